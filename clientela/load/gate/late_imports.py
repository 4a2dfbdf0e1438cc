"""A module that a library imports for what we never ask of it: it is there by its name, and read when somebody asks it anything.

The standard library's `LazyLoader` does the same, but reads a module for its file's name too, and whoever asks Python where
a class stands in the code (`inspect`) asks that of every module.
"""

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any


class _Unread(ModuleType):
    def __getattr__(self, name: str) -> Any:
        """Called for what is not there yet."""
        spec = self.__spec__
        assert spec is not None and spec.loader is not None
        self.__class__ = ModuleType  # type: ignore[assignment]
        if spec.submodule_search_locations is not None:
            self.__path__ = spec.submodule_search_locations
        try:
            spec.loader.exec_module(self)
        except BaseException:
            sys.modules.pop(spec.name, None)
            raise
        return getattr(self, name)


def import_late(name: str) -> None:
    """Let a module, as PACKAGE.MODULE, be read when it is first used. One that was read, or is not installed, stays so."""
    package, _, own_name = name.rpartition(".")
    if name in sys.modules or find_spec(package) is None:
        return
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    module.__dict__.pop("__path__", None)
    module.__class__ = _Unread
    sys.modules[name] = module
    setattr(import_module(package), own_name, module)
