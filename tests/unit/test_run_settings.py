"""Settings reach the models as typed tables: what is read back is what was set, and SQL sees every field by its name."""

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest
from pydantic import BaseModel

from clientela.identity.settings import IdentitySettings
from clientela.relationship.settings import CampaignSettings, PermissionSettings, ProgrammeSettings, TimelineSettings
from clientela.retention.settings import RetentionSettings
from clientela.segment.settings import SegmentSettings
from clientela.value.settings import ValueSettings
from clientela.warehouse.run_settings import read_settings, write_settings

SEGMENTS = SegmentSettings.model_validate(
    {
        "rules": [{"name": "o'clock {{ 1 }}", "predicate": "orders > 1 -- {% x %}"}, {"name": "b", "predicate": "c"}],
        "rfm": {"recency_days": [300.5, 150, 60, 20]},
        "value_tiers": [0.1, 0.7],
        "hysteresis": {"months": 1},
        "clusters": {"begin_on": "2024-02-29"},
    }
)
RETENTION = RetentionSettings.model_validate(
    {"reasons": {"order": ["complaint_open"]}, "states": {"rule": "fixed_days", "lapsed_days": 300}}
)
VALUE = ValueSettings(order_model="mbg_nbd", annual_discount_rate=0.1 + 0.2, scored_horizons_months=[1, 2])
IDENTITY = IdentitySettings.model_validate(
    {
        "exact_rules": [{"name": "o'clock", "fields": ["email", "given"]}],
        "max_people_per_value": {},
        "extra_placeholders": {"phone": ["{{ 0 }}", "1"]},
        "expected": {"customers": {"minimum": 1}, "share_weak_links": {"maximum": 0.5}},
        "default_country": "ES",
    }
)
PERMISSIONS = PermissionSettings.model_validate(
    {
        "defaults": [{"purpose": "News {{ 1 }}", "channel": "email"}, {"purpose": "o'clock", "status": "refused"}],
        "limits": [{"channel": "phone", "max_contacts": 1, "per_days": 30}],
        "waits_for_complaints": True,
    }
)
CAMPAIGNS = CampaignSettings(window_days=14)
PROGRAMMES = ProgrammeSettings(months=3, continue_from=0.2)
TIMELINE = TimelineSettings(language="es")
TABLES: dict[str, type[BaseModel]] = {
    "value_settings": ValueSettings,
    "retention_settings": RetentionSettings,
    "segment_settings": SegmentSettings,
    "identity_settings": IdentitySettings,
    "permission_settings": PermissionSettings,
    "campaign_settings": CampaignSettings,
    "programme_settings": ProgrammeSettings,
    "timeline_settings": TimelineSettings,
}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("create schema run")
        yield opened


def test_what_is_read_back_is_what_was_set(connection: duckdb.DuckDBPyConnection) -> None:
    write_settings(connection, SEGMENTS, RETENTION, VALUE, IDENTITY, PERMISSIONS, CAMPAIGNS, PROGRAMMES, TIMELINE)
    read = {name: read_settings(connection.table(f"run.{name}"), model) for name, model in TABLES.items()}
    assert read == {
        "value_settings": VALUE,
        "retention_settings": RETENTION,
        "segment_settings": SEGMENTS,
        "identity_settings": IDENTITY,
        "permission_settings": PERMISSIONS,
        "campaign_settings": CAMPAIGNS,
        "programme_settings": PROGRAMMES,
        "timeline_settings": TIMELINE,
    }
    # the next run's take their place, and what is not given has its defaults
    write_settings(connection)
    for name, model in TABLES.items():
        assert read_settings(connection.table(f"run.{name}"), model) == model()


def test_sql_reads_every_field_by_its_name_and_type(connection: duckdb.DuckDBPyConnection) -> None:
    write_settings(connection, SEGMENTS, RETENTION, VALUE)
    for name, model in TABLES.items():
        assert [row[0] for row in connection.execute(f"describe run.{name}").fetchall()] == [*model.model_fields]
    found = connection.execute(
        """
        select rules[2].name, rfm.recency_days, value_tiers[2], clusters.begin_on, hysteresis.months
        from run.segment_settings
        """
    ).fetchall()
    assert found == [("b", [300.5, 150, 60, 20], 0.7, date(2024, 2, 29), 1)]
    types = {row[0]: row[1] for row in connection.execute("describe run.value_settings").fetchall()}
    assert (
        types["annual_discount_rate"] == "DOUBLE" and types["draws"] == "BIGINT" and types["order_model"] == "VARCHAR"
    )
    assert types["scored_horizons_months"] == "BIGINT[]"
    write_settings(connection, IDENTITY)
    query = "select exact_rules[1].fields[2], expected['customers'].minimum, default_country from run.identity_settings"
    assert connection.execute(query).fetchall() == [("given", 1.0, "ES")]


def test_a_table_of_other_code_is_made_anew(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create table run.value_settings (horizon_months varchar, gone integer)")
    write_settings(connection, VALUE)
    assert read_settings(connection.table("run.value_settings"), ValueSettings) == VALUE
