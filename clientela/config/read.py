"""`clientela.yml` as typed settings: everything of one company, checked before anything is touched.

The models below are the only description of the file: the JSON schema that editors complete from is exported from them.
How a mapping's expressions are checked against a delivered file stands in `clientela.extract.mapped_expression`.
"""

import importlib.util
import os
import re
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from clientela.config.company import CONFIG_VARIABLE, DEFAULT_CONFIG, Config
from clientela.config.renamed import refuse_renamed
from clientela.config.yaml_file import read_yaml
from clientela.contracts import ENTITIES
from clientela.errors import ConfigError
from clientela.wording import did_you_mean


def package_path(reference: str) -> str:
    """`package:NAME/path` → the path inside the installed package NAME."""
    name, _, inside = reference.removeprefix("package:").partition("/")
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise ConfigError(f"files: {reference!r} names package {name}, which is not installed; `pip install` it first.")
    return str(Path(found.submodule_search_locations[0]) / inside)


def load_config(path: Path | str | None = None) -> Config:
    """Read and check one company's file. Raises ConfigError with one sentence: key path, value, what is allowed."""
    chosen = Path(path or os.environ.get(CONFIG_VARIABLE) or DEFAULT_CONFIG)
    if not chosen.is_file():
        raise ConfigError(
            f"There is no configuration at {chosen}; name one with --config or {CONFIG_VARIABLE}, "
            "or write one after README's example."
        )
    lines: dict[str, int] = {}
    values = read_yaml(chosen, lines)
    if not isinstance(values, dict):
        raise ConfigError(f"{chosen} holds no settings; it begins with `company:`, see README's example.")
    refuse_renamed(str(chosen), values, lines)
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        # a key written wrong is missing too: what is there comes first
        problems = sorted(error.errors(), key=lambda problem: problem["type"] == "missing")
        sentences = [_sentence(dict(problem), lines) for problem in problems]
        raise ConfigError(f"{chosen}: {sentences[0]}", "\n".join(sentences[1:])) from None
    config._path = chosen.resolve()
    return config


_UNION_TAGS = {"str", "Constant", "Expression", "Translated", "list[str]", "date", "literal['latest']"}


def _sentence(problem: dict[str, Any], lines: dict[str, int]) -> str:
    where = ".".join(str(part) for part in problem["loc"] if str(part) not in _UNION_TAGS)
    if (inside := re.match(r"(.*(?<!\.fixed)\.columns\.\w+)", where)) and problem["type"] != "value_error":
        return (
            f"{inside[1]}: a column is mapped by the name of a source column, `{{value: …}}`, `{{sql: …}}`, "
            "`{column: …, values: {…}}` or a list of columns that make a key."
        )
    if where.endswith(".connection_env"):
        # what stands there by mistake may be the connection itself
        return f"{where}: write the name of an environment variable, such as CRM_DATABASE, which holds the connection."
    if problem["type"] == "value_error":
        message = str(problem["ctx"]["error"])
        if where and isinstance(problem["input"], dict):
            return f"{where}: {message}."
        return f"{where} = {problem['input']!r}: {message}." if where else f"{message}."
    if problem["type"] == "missing":
        return f"{where}: this key is missing."
    if problem["type"] == "extra_forbidden":
        line = lines.get(".".join(str(part) for part in problem["loc"]))
        place = f" at line {line}" if line else ""
        known = sorted(_keys_beside(problem["loc"]))
        others = f"; there are: {', '.join(known)}." if known else "."
        hint = did_you_mean(str(problem["loc"][-1]), known, is_quoted=False) or others
        return f"{where}{place}: there is no such key here{hint}"
    return f"{where} = {problem['input']!r}: {problem['msg'].removeprefix('Input ')}."


def _keys_beside(location: tuple[str | int, ...]) -> set[str]:
    """The keys that may stand where this one does, by the settings' classes."""
    kinds: list[Any] = [Config]
    for part in location[:-1]:
        below = [inner for kind in kinds for inner in _below(kind, part)]
        # what is no key is the name of one of several types that a value may have
        kinds = below or kinds
    return {name for kind in kinds for plain in _plain(kind) if _is_settings(plain) for name in plain.model_fields}


def _below(kind: Any, part: str | int) -> list[Any]:
    found = []
    for plain in _plain(kind):
        if _is_settings(plain):
            found += [plain.model_fields[part].annotation] if part in plain.model_fields else []
        elif get_origin(plain) is dict:
            found.append(get_args(plain)[1])
        elif get_origin(plain) in (list, tuple) and isinstance(part, int):
            found.append(get_args(plain)[0])
    return found


def _plain(kind: Any) -> list[Any]:
    """The types that a value of this one may have."""
    if get_origin(kind) is Annotated:
        return _plain(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [plain for member in get_args(kind) for plain in _plain(member)]
    return [kind]


def _is_settings(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def json_schema() -> dict[str, Any]:
    """The JSON schema of `clientela.yml`, with each entity's own columns, for editors to complete from."""
    schema = Config.model_json_schema()
    schema["title"] = "clientela.yml"
    definitions = schema["$defs"]
    mapping = definitions["EntityConfig"]["properties"]["columns"]["additionalProperties"]
    entities: dict[str, Any] = {}
    for name, entity in ENTITIES.items():
        if entity.is_reference:
            continue
        of_customers = [ENTITIES["customers"][name] for name in entity.customer_fields]
        properties = {
            c.name: {**mapping, "description": c.description}
            for c in (*entity.columns, *of_customers)
            if c.type != "json"
        }
        columns = {"type": "object", "properties": properties, "additionalProperties": False}
        entities[name] = {
            "description": entity.description,
            "allOf": [{"$ref": "#/$defs/EntityConfig"}],
            "properties": {"columns": columns},
        }
    own_name = {"allOf": [{"$ref": "#/$defs/EntityConfig"}], "required": ["entity"]}
    definitions["SourceConfig"]["properties"]["entities"] = {
        "type": "object",
        "properties": entities,
        "additionalProperties": own_name,
    }
    return schema
