"""The `clientela` command: heeds signals before anything slow is imported, and ends every stop with the same code."""

from clientela import stopping
from clientela.cli import garbage


def entry() -> None:
    """The command as installed, and `python -m clientela`."""
    stopping.heed()
    garbage.look_seldom()
    try:
        from clientela.cli.main import entry as command

        command()
    except KeyboardInterrupt:
        stopping.leave()


if __name__ == "__main__":
    entry()
