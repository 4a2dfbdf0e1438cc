"""`python -m clientela` is the `clientela` command."""

from clientela.cli import entry

entry()
