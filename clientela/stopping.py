"""A stop asked for from outside: SIGTERM, SIGHUP or Ctrl-C, the same road for all three and for every command.

The first signal interrupts what DuckDB computes and raises `Stopped` in the main thread; libraries on the way may swallow
or rename that, so whoever ends a run asks `asked_by()`, not the exception. What must not be torn runs in `deferred()`,
or in a function marked `undisturbed`. A second signal ends the process at once: nothing depends on a run's last word.
A thread sees both too, since Python calls no handler while the main thread is inside a library. What a run says at its end
is in `clientela.pipeline.run_summary`. No slow import here: it is the first module that the command loads.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import _GeneratorContextManager, contextmanager, suppress
from types import CodeType, FrameType

from clientela.exit_codes import STOPPED

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
#: `timeout`, a closing terminal and container engines send the same wish twice
_SAME_WISH_SECONDS = 1.0
#: how often it is tried to raise, where that was not possible
_AGAIN_SECONDS = 0.2
#: a signal that nobody else sends, and that a process without a handler ignores
_AGAIN = signal.SIGURG


class Stopped(KeyboardInterrupt):
    """Raised in the main thread when a signal asks to stop."""


class _Wish:
    is_heeded = False
    name: str | None = None
    is_raised = False
    deferrals: int = 0
    interrupts: list[Callable[[], None]] = []  # noqa: RUF012
    #: an error raised where a `with` is left would keep it from being left
    undisturbed: set[CodeType] = {_GeneratorContextManager.__exit__.__code__}  # noqa: RUF012


def heed() -> None:
    """Answer the signals from here on. One that was ignored on purpose, as under nohup, stays ignored."""
    if _Wish.is_heeded:
        return
    _Wish.is_heeded = True
    arrived, written = os.pipe()
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    for number in SIGNALS:
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, _on_signal)
    signal.signal(_AGAIN, _on_signal)
    threading.Thread(target=_watch, args=(arrived,), name="stopping", daemon=True).start()


def _on_signal(number: int, frame: FrameType | None) -> None:
    if number != _AGAIN:
        _Wish.name = _Wish.name or signal.Signals(number).name
    if _Wish.name is None or _Wish.is_raised or _Wish.deferrals:
        return
    # raised inside DuckDB's own look at signals, the error alone would not end the query
    _interrupt()
    while frame is not None:
        if frame.f_code in _Wish.undisturbed:
            return
        frame = frame.f_back
    _Wish.is_raised = True
    raise Stopped(_Wish.name)


def _interrupt() -> None:
    for interrupt in list(_Wish.interrupts):
        with suppress(Exception):
            interrupt()


def _watch(arrived: int) -> None:
    """Wait for the first signal, and see to it that it is heeded; end the process at the second."""
    _next_signal(arrived)
    first = time.monotonic()
    threading.Thread(target=_insist, name="stopping, again", daemon=True).start()
    while True:
        _next_signal(arrived)
        if time.monotonic() - first > _SAME_WISH_SECONDS:
            os._exit(STOPPED)


def _next_signal(arrived: int) -> None:
    while os.read(arrived, 1)[0] not in SIGNALS:
        pass


def _insist() -> None:
    """Interrupt a library that looks at no signal, and call the handler again where it could not raise."""
    while not _Wish.is_raised:
        time.sleep(_AGAIN_SECONDS)
        if not _Wish.is_raised and not _Wish.deferrals:
            _interrupt()
            # not one of SIGNALS, so `_watch` does not take it for a second wish
            signal.pthread_kill(threading.main_thread().ident or 0, _AGAIN)


def asked_by() -> str | None:
    """The signal that asked to stop; None if none did."""
    return _Wish.name


def check() -> None:
    """Raise Stopped if a stop was asked for: between two steps, in case that a library kept it to itself."""
    if _Wish.name is not None:
        _Wish.is_raised = True
        raise Stopped(_Wish.name)


def settle() -> None:
    """The run has written its end: a stop that was asked for is done with, and raised nowhere any more."""
    _Wish.is_raised = _Wish.is_raised or _Wish.name is not None


@contextmanager
def deferred() -> Iterator[None]:
    """What is done in it is done to its end; a stop that comes meanwhile is found by the next `check`."""
    _Wish.deferrals += 1
    try:
        yield
    finally:
        _Wish.deferrals -= 1


def undisturbed(code: CodeType) -> None:
    """Raise nothing while this code is being executed, itself or what it calls; it calls `check` where it can be left."""
    _Wish.undisturbed.add(code)


@contextmanager
def interrupting(interrupt: Callable[[], None]) -> Iterator[None]:
    """While this lasts, a signal calls `interrupt`, which breaks off a query that is under way."""
    _Wish.interrupts.append(interrupt)
    try:
        yield
    finally:
        _Wish.interrupts.remove(interrupt)


def leave() -> None:
    """End the process as one that was stopped before it had anything to lose."""
    os.write(2, f"Stopped by {_Wish.name or 'SIGINT'}.\n".encode())
    os._exit(STOPPED)
