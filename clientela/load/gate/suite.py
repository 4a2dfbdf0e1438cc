"""What an expectation is, and how a feed's suite comes together: contract, entity, the source's own thresholds.

The suites themselves stand in `expectations/`, one module per entity; running them is `clientela.load.gate.validate`.
"""

from dataclasses import replace
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

from clientela.config.sources import EntityConfig
from clientela.contracts import Entity
from clientela.contracts.expectations import Expect
from clientela.errors import ConfigError
from clientela.load.gate.thresholds import EVERY_ENTITY
from clientela.project_files import PROJECT


def of_contract(entity: Entity) -> list[Expect]:
    """What the contract itself says of single values: closed sets and ranges."""
    suite = []
    for column in entity.columns:
        if column.values:
            sentence = f"{column.name} is one of {', '.join(column.values)}."
            arguments: dict[str, Any] = {"value_set": list(column.values)}
            suite.append(
                Expect(
                    f"{column.name}_is_known",
                    "ExpectColumnValuesToBeInSet",
                    "critical",
                    sentence,
                    column.name,
                    "rows",
                    arguments,
                )
            )
        if column.minimum is not None or column.maximum is not None:
            bounds = {"min_value": column.minimum, "max_value": column.maximum}
            sentence = f"{column.name} lies between {column.minimum} and {column.maximum}.".replace("None", "any")
            suite.append(
                Expect(
                    f"{column.name}_in_range",
                    "ExpectColumnValuesToBeBetween",
                    "critical",
                    sentence,
                    column.name,
                    "rows",
                    bounds,
                )
            )
    return suite


def suite_of(
    entity: Entity, settings: EntityConfig | None, where: str, *, is_named_by_head: bool = False
) -> list[Expect]:
    """The feed's suite with its thresholds; ConfigError for an override of something that is not in it.

    `is_named_by_head`: its lines need not name their customer, since the head of their order does.
    """
    of_entity = _written_suite("reference" if entity.is_reference else entity.name)
    suite = {e.name: e for e in (*EVERY_ENTITY, *of_contract(entity), *of_entity)}
    for name, override in (settings.gate if settings else {}).items():
        if name not in suite:
            raise ConfigError(f"{where}.gate.{name}: there is no such expectation; there are: {', '.join(suite)}.")
        if override.severity == "off":
            del suite[name]
            continue
        changed = dict(suite[name].arguments)
        if override.mostly is not None:
            changed["mostly"] = override.mostly
        if override.minimum is not None:
            changed["min_value"] = override.minimum
        if override.maximum is not None:
            changed["max_value"] = override.maximum
        suite[name] = replace(suite[name], severity=override.severity or suite[name].severity, arguments=changed)
    if is_named_by_head:
        suite.pop("customer_key_is_given", None)
    return list(suite.values())


@cache
def _written_suite(name: str) -> tuple[Expect, ...]:
    """The SUITE of `expectations/NAME.py`, found by its path: that folder is no package of an installed clientela."""
    path = PROJECT / "expectations" / f"{name}.py"
    spec = spec_from_file_location(f"clientela_expectations_{name}", path)
    assert spec is not None and spec.loader is not None, path
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    suite: tuple[Expect, ...] = module.SUITE
    return suite
