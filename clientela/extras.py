"""What is installed only by those who need it: a missing part is said in one sentence, with the command that brings it.

The extras and their packages are in pyproject.toml; what needs one asks here before it imports it.
"""

from importlib.util import find_spec

from clientela.errors import ConfigError


def require_extra(extra: str, what: str, *modules: str) -> None:
    """Raise ConfigError, which says that `what` needs the extra, if one of its modules is not installed."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise ConfigError(f"{what} needs `pip install 'clientela[{extra}]'`: {', '.join(missing)} is not installed.")
