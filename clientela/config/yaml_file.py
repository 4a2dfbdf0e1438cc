"""A configuration file as plain values: texts, numbers, lists and mappings, exactly as it says and no more than once.

Belongs here: what YAML allows and a person never means, each refused in one sentence with its line: a key that stands twice,
a key that is no text, nesting or aliases without end, characters that are none. Does not belong here: which keys there
are (`clientela.config`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from clientela.errors import ConfigError

#: levels of nesting; the deepest key of clientela.yml stands at the ninth
MAX_DEPTH = 40
#: values that aliases may add to those that are written out
MAX_ALIASED = 100_000


def read_yaml(path: Path, lines: dict[str, int] | None = None) -> Any:
    """What the file says. Raises ConfigError with one sentence: file, line, what is wrong there.

    `lines` is given the line of each key, by its path.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path} is not UTF-8 at line {line}; save it in that encoding.") from None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            return None
        _refuse_endless(path, root)
        for where, node in _mappings(root):
            _check_keys(loader, f"{path}: {where}" if where else str(path), node)
            if lines is not None:
                lines.update({f"{where}.{key.value}" if where else key.value: _line(key) for key, _ in node.value})
        return loader.construct_document(root)
    except _TooDeepError as deep:
        raise _too_deep(path, deep.there) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = ord(error.character) if isinstance(error.character, str) else error.character
        raise ConfigError(
            f"{path} holds the control character U+{character:04X} at line {line}; it is no text, take it out."
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = str(error.problem)
        if "'\\t'" in problem:
            problem = "a tab stands there; indent with spaces"
        elif "another document" in problem:
            problem = "a second document begins there; a configuration is one"
        raise ConfigError(f"{path} is not readable as YAML{place}: {problem}.") from None


_KINDS = {
    "bool": "true or false",
    "int": "a number",
    "float": "a number",
    "null": "nothing",
    "timestamp": "a date or time",
}


def _kind(node: yaml.Node) -> str:
    return str(node.tag).rpartition(":")[2]


class _TooDeepError(Exception):
    """What begins there is nested too deep."""

    def __init__(self, there: yaml.Event) -> None:
        super().__init__()
        self.there = there


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which says the line of a value that it cannot read, and reads nothing that is nested too deep."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if not self.check_event(yaml.CollectionStartEvent):
            return super().compose_node(parent, index)  # type: ignore[no-any-return]
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _TooDeepError(self.peek_event())  # type: ignore[no-untyped-call]
        try:
            return super().compose_node(parent, index)  # type: ignore[no-any-return]
        finally:
            self.depth -= 1

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
            raise yaml.constructor.ConstructorError(
                None,
                None,
                f"this cannot be read as {_KINDS.get(_kind(node), _kind(node))}; write it in quotes if it is a text",
                node.start_mark,
            ) from None


def _refuse_endless(path: Path, root: yaml.Node) -> None:
    """Refuse an alias within what it stands for, and aliases of aliases that unfold to more than anyone would write."""
    measured: dict[int, tuple[int, int]] = {}

    def measure(node: yaml.Node, within: frozenset[int]) -> tuple[int, int]:
        """Values and levels of the node, what its aliases stand for included."""
        if id(node) in within:
            raise ConfigError(f"{path}: the anchor at line {_line(node)} holds an alias of itself.")
        if id(node) not in measured:
            inner = [measure(child, within | {id(node)}) for child in _children(node)]
            measured[id(node)] = 1 + sum(size for size, _ in inner), 1 + max((depth for _, depth in inner), default=0)
        if measured[id(node)][1] > MAX_DEPTH:
            raise _too_deep(path, node)
        return measured[id(node)]

    if measure(root, frozenset())[0] > len(measured) + MAX_ALIASED:
        raise ConfigError(f"{path}: its aliases unfold to more than {MAX_ALIASED:,} values; write out what is meant.")


def _too_deep(path: Path, there: yaml.Node | yaml.Event) -> ConfigError:
    return ConfigError(
        f"{path} is nested deeper than {MAX_DEPTH} levels at line {_line(there)}; no key of a configuration stands so deep."
    )


def _line(there: yaml.Node | yaml.Event) -> int:
    mark = there.start_mark
    return mark.line + 1 if mark else 1


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _mappings(root: yaml.Node) -> Iterator[tuple[str, yaml.MappingNode]]:
    """Every mapping below the node, once, with its key path."""
    seen: set[int] = set()
    waiting = [("", root)]
    while waiting:
        where, node = waiting.pop(0)
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield where, node
            waiting += [(f"{where}.{key.value}" if where else str(key.value), value) for key, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(f"{where}.{place}", value) for place, value in enumerate(node.value)]


def _check_keys(loader: _Loader, where: str, node: yaml.MappingNode) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = _line(key)
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigError(f"{where}: the key at line {line} is no text but a list or mapping.")
        if key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
            raise ConfigError(
                f"{where}: the key {key.value} at line {line} is read as {_KINDS.get(_kind(key), _kind(key))}; "
                "write it in quotes."
            )
        if key.value in lines:
            raise ConfigError(f"{where}: the key {key.value} stands twice, at lines {lines[key.value]} and {line}.")
        lines[key.value] = line
