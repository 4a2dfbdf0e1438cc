"""What a company says of identity is checked before anything is touched."""

from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from clientela.config.company import Config
from clientela.config.read import load_config
from clientela.errors import ConfigError
from clientela.identity.settings import IdentitySettings
from clientela.identity.step import read_settings, write_run_tables
from clientela.warehouse import tables as warehouse
from clientela.warehouse.run_settings import write_settings

COMPANY: dict[str, Any] = {
    "company": "Shop",
    "currency": "EUR",
    "time_zone": "UTC",
    "sources": {"till": {"entities": {"customers": {"files": "c.csv", "key": "id", "columns": {"email": "mail"}}}}},
}


def configured(folder: Path, **identity: Any) -> Config:
    path = folder / "clientela.yml"
    path.write_text(yaml.safe_dump(COMPANY | {"identity": identity}), encoding="utf-8")
    return load_config(path)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"trusted_sources": ["web"]}, "'web' is not a source; there are: till"),
        ({"survivorship": {"street": "longest"}}, "'street' is not chosen by itself; what is: address"),
        ({"field_groups": {"home": ["street", "garden"]}}, "'garden' is not a field"),
        ({"field_groups": {"a": ["city"], "b": ["city"]}}, "'city' is in more than one group"),
        ({"expected": {"share": {"maximum": 1}}}, "'share' is not a measure; there are: customers"),
        ({"exact_rules": [{"name": "shoe", "fields": ["shoe"]}]}, "identity.exact_rules.0.fields.0 = 'shoe'"),
        ({"default_country": "Spain"}, "identity.default_country = 'Spain'"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_sentence(tmp_path: Path, said: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as error:
        configured(tmp_path, **said)
    assert sentence in error.value.sentence, error.value.sentence


def test_a_rule_makes_another_fingerprint_and_a_limit_of_the_machine_does_not(tmp_path: Path) -> None:
    plain = configured(tmp_path).fingerprint()
    assert configured(tmp_path, link_weight=4).fingerprint() != plain
    assert configured(tmp_path, threads=7, memory_limit="1GB").fingerprint() == plain


def test_what_a_run_reads_is_what_was_written_and_every_field_has_one_rule() -> None:
    said = IdentitySettings(
        trusted_sources=("till", "web"),
        survivorship={"address": "longest", "email": "most_trusted"},
        default_country="ES",
    )
    with duckdb.connect() as connection:
        connection.execute("create schema run; create schema identity")
        warehouse.prepare_identity(connection)
        write_settings(connection, said)
        write_run_tables(connection, said, "key")
        assert read_settings(connection) == (said, "key")
        rules = connection.execute("select field, unit, place, survivorship from run.identity_fields").fetchall()
    assert len(rules) == len({field for field, *_ in rules}) == 15
    assert ("city", "address", 2, "longest") in rules and ("email", "email", 0, "most_trusted") in rules
    assert ("phone", "phone", 0, "most_recent") in rules
