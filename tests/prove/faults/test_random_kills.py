"""Two hundred kills at random instants of whole nights: nothing lost, nothing half-done, the next night heals.

A company that has had one night is copied; ten more files arrive, one before each of ten nights that are killed at
an instant drawn evenly from a night's length, publication and the commit of memory included. What is published after
each kill is whole, and after the eleventh night, which is left in peace, everything is as in a company that was never killed.
A night that ended before its kill does not count.
"""

import multiprocessing
import os
import random
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import NOW, Company, marts

KILLS = int(os.environ.get("CLIENTELA_KILLS", "200"))
KILLS_PER_COPY = 10
#: copies under way at once: a night keeps one core busy
AT_ONCE = 2
HEAD = "receipt,line,customer,product,net,sold_at\n"


def _night(config_path: str, now: datetime) -> None:
    from clientela.config.read import load_config
    from clientela.pipeline.nightly import run

    os._exit(run(load_config(config_path), now=now).exit_code)


def _start(company: Company, now: datetime) -> multiprocessing.process.BaseProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.prove.faults.warm"])
    child = context.Process(target=_night, args=(str(company.config_path), now))
    child.start()
    return child


def _deliver(company: Company, number: int) -> None:
    """One more day: two old customers, a new one, and news of one known already."""
    day = f"2026-02-{number + 15:02d}"
    lines = "".join(
        f"k{number},{i},{who},bread,{number}.25,{day} 12:00:00\n" for i, who in enumerate(["a", "b", f"n{number}"])
    )
    company.write(f"sales_k{number}.csv", HEAD + lines)
    company.write(f"customers_k{number}.csv", f"customer,name,email,changed\nn{number},New {number},,{day} 08:00:00\n"
                  f"a,Ana Gil {number},ana{number}@example.com,{day} 08:00:00\n")  # fmt: skip


def _copied(company: Company, folder: Path) -> Company:
    shutil.copytree(company.folder, folder, symlinks=True)
    return Company(folder)


def _is_whole(company: Company) -> bool:
    """The published lines and the customers' value agree, and all is of one run."""
    ((lines, value, runs),) = company.published(
        """
        select (select sum(net_amount) from value.order_lines), (select sum(net_revenue) from value.customer_value),
            (select count(distinct run_id) from operations.publication)
        """
    )
    return bool(lines == value and runs == 1)


@pytest.mark.prove
def test_kills_at_random_instants_lose_nothing(shop: Company, tmp_path_factory: pytest.TempPathFactory) -> None:
    shop.change(lambda s: s.update(publish={"personal_data": "full"}))
    folder = tmp_path_factory.mktemp("killed")
    _start(shop, NOW).join()
    undisturbed = _copied(shop, folder / "undisturbed")
    for number in range(KILLS_PER_COPY):
        _deliver(undisturbed, number)
    last = NOW + timedelta(hours=1)
    began = time.monotonic()
    night = _start(undisturbed, last)
    night.join()
    assert night.exitcode == 0
    length = [time.monotonic() - began]
    expected = marts(undisturbed)
    assert len(expected["value.order_lines"]) == 4 + 3 * KILLS_PER_COPY

    def killed_and_healed(seed: int) -> int:
        """Kill nights of one copy, let the last heal; gives the kills."""
        chance = random.Random(seed)
        company = _copied(shop, folder / str(seed))
        kills, history = 0, f"seed {seed}"
        for number in range(KILLS_PER_COPY):
            _deliver(company, number)
            instant = chance.uniform(0, sum(length[-5:]) / len(length[-5:]))
            history += f", {instant:.2f} s"
            child = _start(company, NOW + timedelta(minutes=number + 1))
            child.join(instant)
            if child.is_alive():
                os.kill(child.pid or 0, signal.SIGKILL)
                kills += 1
            child.join()
            assert child.exitcode in (0, -signal.SIGKILL), history
            assert _is_whole(company), history
        start = time.monotonic()
        child = _start(company, last)
        child.join()
        length.append(time.monotonic() - start)
        assert child.exitcode == 0, history
        assert marts(company) == expected, history
        runs = dict(company.warehouse("select status, count(*) from ledger.runs group by 1"))
        assert runs.get("running", 0) == 0, history
        assert company.warehouse("select count(distinct record_id) = count(*) from memory.customer_registry") == [
            (True,)
        ], history
        shutil.rmtree(company.folder)
        return kills

    killed, seed = 0, 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while killed < KILLS:
            wanted = -(-(KILLS - killed) // KILLS_PER_COPY)
            killed += sum(pool.map(killed_and_healed, range(seed, seed + wanted)))
            seed += wanted
    print(f"{killed} kills of nights of {sum(length) / len(length):.1f} s, {seed} copies healed")
