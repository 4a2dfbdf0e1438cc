"""Audiences: only who may be contacted at that instant, and written out once whatever comes between."""

import csv
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from clientela import durable
from clientela.cli.main import main
from clientela.config.read import load_config
from clientela.errors import ClientelaError, ConfigError
from clientela.pipeline import audience_table, audience_writes
from clientela.pipeline.action_list import COLUMNS, export_actions
from clientela.pipeline.audience import AudienceWritten, preview_audience, write_audience
from clientela.pipeline.open_run import open_run
from clientela.privacy.forget import clean_data_folder
from tests.conftest import Company

#: a morning in Madrid, the day after the last order
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
PEOPLE = range(1, 41)
AUDIENCE: dict[str, Any] = {
    "rule": "orders_12m >= 1 and net_revenue_12m > 5", "purpose": "news", "channel": "email", "held_out": 0.25, "unit_cost": 0.5,
    "fixed_cost": 10, "columns": ["customer_key", "email", "orders_12m"],
}  # fmt: skip


def open_company(folder: Path) -> Company:
    """Forty customers of whom c1 to c30 granted news by e-mail; c29 took that back, c30 has asked to be forgotten."""
    company = Company(folder)

    def change(settings: dict[str, Any]) -> None:
        entities = settings["sources"]["till"]["entities"]
        entities["consents"] = {
            "files": "consents*.csv", "key": "id",
            "columns": {
                "customer_key": "customer", "purpose": "purpose", "channel": "channel", "status": "status", "decided_at": "at",
            },
        }  # fmt: skip
        entities["erasures"] = {
            "files": "erasures*.csv", "key": "id", "columns": {"customer_key": "customer", "requested_at": "at"},
        }  # fmt: skip
        settings["audiences"] = {"friends": AUDIENCE}
        settings["actions"] = {"purpose": "news"}
        settings["reference_folder"] = "reference"

    company.change(change)
    lines = [f"{100 + n},1,c{n},bread,{n}.00,2026-02-{1 + n % 20:02} 10:00:00" for n in PEOPLE]
    company.write("sales_3.csv", "receipt,line,customer,product,net,sold_at\n" + "\n".join(lines) + "\n")
    names = [f"c{n},Ana {n} Gil,ana{n}@example.com,2026-01-01 08:00:00" for n in PEOPLE]
    company.write("customers_2.csv", "customer,name,email,changed\n" + "\n".join(names) + "\n")
    said = [f"g{n},c{n},news,email,granted,2026-01-05 10:00:00" for n in range(1, 31)]
    said.append("w29,c29,news,email,withdrawn,2026-02-01 10:00:00")
    company.write("consents.csv", "id,customer,purpose,channel,status,at\n" + "\n".join(said) + "\n")
    company.write("erasures.csv", "id,customer,at\ne30,c30,2026-02-20 10:00:00\n")
    company.write(
        "reference/portfolios.csv",
        "portfolio,manager,capacity,rule,capacity_hours,territories,languages,tiers,opened_on,closed_on\nsur/este,Eva,40,,,,,,,\n",
    )
    return company


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, first_night: Path) -> Path:
    folder = tmp_path_factory.mktemp("friends")
    shutil.copytree(first_night, folder, dirs_exist_ok=True)
    company = open_company(folder)
    assert company.night().status == "published"
    return folder


@pytest.fixture
def company(built: Path, tmp_path: Path) -> Company:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    return Company(tmp_path)


def write(company: Company, now: datetime = NOW, **options: Any) -> AudienceWritten:
    return write_audience(company.config, "friends", now=now, **options)


def rows_of(path: Path | None) -> list[dict[str, str]]:
    assert path is not None
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files(company: Company) -> list[str]:
    return sorted(path.name for path in (company.config.data / "audiences").iterdir())


def test_the_list_of_a_manager_holds_who_may_be_contacted_at_that_instant(company: Company) -> None:
    week = "select customer_id from relationship.customer_actions where is_this_week order by rank_in_portfolio"
    wanted = [customer for (customer,) in company.warehouse(week)]
    assert len(wanted) > 3
    made = export_actions(company.config, "sur/este", NOW)
    rows = rows_of(made.path)
    assert [int(row["customer_id"]) for row in rows] == wanted and made.left_out == {}
    assert list(rows[0]) == list(COLUMNS) and all(row["email"].startswith("ana") for row in rows)
    assert made.path.stat().st_mode & 0o077 == 0
    waiting = (company.config.data / "audit.jsonl").read_text(encoding="utf-8")
    assert f"{len(wanted)} actions to {made.path}" in waiting

    # the first of them takes the permission back
    number = rows[0]["email"].removeprefix("ana").removesuffix("@example.com")
    company.write(
        "consents_2.csv", f"id,customer,purpose,channel,status,at\nw,c{number},news,,withdrawn,2026-03-01 05:00:00\n"
    )
    with open_run(company.config, "night", now=NOW) as run:
        run.load_all()
    ran = CliRunner().invoke(
        main, ["export", "actions", "--portfolio", "sur/este", "--config", str(company.config_path)]
    )
    assert f"{len(wanted) - 1} customers this week. 1 customer left out: withdrawn." in ran.output, ran.output
    quiet = {"begins": "08:00", "ends": "10:00"}
    company.change(lambda settings: settings.update(permissions={"quiet_hours": [quiet]}))
    assert export_actions(company.config, "sur/este", NOW).left_out == {"quiet hours": len(wanted)}
    with pytest.raises(ConfigError, match="no portfolio 'sur' in the reference table"):
        export_actions(company.config, "sur", NOW)


def test_an_audience_is_looked_at_and_written_once(company: Company) -> None:
    seen = preview_audience(company.config, "friends", effect=2.0, now=NOW)
    assert (seen.customers, seen.not_contactable) == (35, {"never asked": 11, "withdrawn": 1})
    assert (seen.members, seen.contactable_by) == (23, {"email": 23}), "c6 to c28"
    assert seen.cost == 10 + 0.5 * 17 and seen.size is not None and seen.size.customers_needed
    assert seen.written_at is None and not (company.config.data / "audiences").exists()

    written = write(company)
    rows = rows_of(written.path)
    assert (len(rows), written.chosen + written.held_out) == (written.chosen, 23) and written.held_out > 0
    assert list(rows[0]) == AUDIENCE["columns"]
    assert all(
        row["email"] == f"ana{row['customer_key'].removeprefix('c')}@example.com" for row in rows if row["email"]
    )
    assert not {"c29", "c30", "c31"} & {row["customer_key"] for row in rows}
    assert written.path is not None and written.path.stat().st_mode & 0o077 == 0
    remembered = "select arm, count(*) from memory.audience_members group by all order by all"
    drawn = company.warehouse(remembered)
    assert drawn == [("chosen", written.chosen), ("held_out", written.held_out)]
    lines = company.warehouse("select action, subject from ledger.audit where action = 'audience'")
    assert lines == [("audience", f"{written.chosen} customers to {written.path}")]

    content = written.path.read_bytes()
    again = write(company, NOW + timedelta(days=3))
    assert again.was_written and again.written_at == NOW
    assert (written.path.read_bytes(), company.warehouse(remembered)) == (content, drawn)
    told = CliRunner().invoke(main, ["audience", "preview", "friends", "--config", str(company.config_path)])
    assert "will not be again" in told.output and "11 customers: never asked" in told.output


def test_what_was_delivered_since_the_last_build_forbids(company: Company) -> None:
    company.write(
        "consents_2.csv",
        "id,customer,purpose,channel,status,at\n"
        "w6,c6,news,,withdrawn,2026-01-20 10:00:00\n"
        "w7,c7,relationship,,refused,2026-03-01 05:00:00\n"
        "w8,c8,news,phone,withdrawn,2026-03-01 05:00:00\n"
        "g31,c31,news,email,granted,2026-02-01 10:00:00\n",
    )
    company.write("erasures_2.csv", "id,customer,at\ne9,c9,2026-03-01 05:00:00\n")
    with open_run(company.config, "night", now=NOW) as run:
        run.load_all()
    company.change(lambda settings: settings["audiences"]["friends"].update(held_out=0))
    keys = {row["customer_key"] for row in rows_of(write(company, NOW + timedelta(hours=1)).path)}
    assert not {"c6", "c7", "c9"} & keys, "a word or a request that came since counts, whatever its day"
    assert "c8" in keys, "a word about another channel does not speak of this"
    assert "c31" not in keys, "what came since only forbids"


def test_nobody_is_written_out_twice_too_often_or_in_a_quiet_hour(company: Company) -> None:
    limit = {"channel": "email", "max_contacts": 1, "per_days": 30}
    company.change(lambda settings: settings.update(permissions={"limits": [limit]}))
    first = write(company, campaign_key="one")
    second = write(company, NOW + timedelta(days=1), campaign_key="two")
    held_out, rest = {row["customer_key"] for row in rows_of(first.path)}, rows_of(second.path)
    assert second.chosen + second.held_out == first.held_out
    assert not held_out & {row["customer_key"] for row in rest}
    quiet = {"channel": "email", "begins": "21:00", "ends": "09:30"}
    company.change(lambda settings: settings["permissions"].update(quiet_hours=[quiet]))
    with pytest.raises(ClientelaError, match="email rests from 21:00 to 09:30"):
        write(company, NOW + timedelta(days=20), campaign_key="three")
    assert files(company) == ["one.csv", "two.csv"]


def test_the_highest_are_taken_and_parquet_holds_the_columns_asked_for(company: Company) -> None:
    wanted = {"top": 5, "top_by": "expected_value", "held_out": 0, "format": "parquet",
              "columns": ["customer_id", "full_name", "expected_value", "rfm_group", "engagement_score"]}  # fmt: skip
    company.change(lambda settings: settings["audiences"]["friends"].update(wanted))
    path = write(company).path
    assert path is not None
    found = duckdb.read_parquet(str(path))
    assert found.columns == wanted["columns"] and len(found.fetchall()) == 5
    assert preview_audience(company.config, "friends", now=NOW).size is None


@pytest.mark.parametrize("moment", ["before memory", "before the name", "after the name", "before the last word"])
def test_a_fault_between_any_two_steps_hands_out_once(
    company: Company, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    note, switch_in = audience_writes._note, durable.switch_in

    def failing_note(connection: Any, row: Any) -> None:
        wanted = {"before memory": "prepared", "before the last word": "written"}.get(moment)
        if row["event"] == wanted:
            raise OSError("the disk is gone")
        note(connection, row)

    def failing_switch(aside: Path, path: Path) -> None:
        if path.parent.name == "audiences" and moment == "before the name":
            raise OSError("the disk is gone")
        switch_in(aside, path)
        if path.parent.name == "audiences" and moment == "after the name":
            raise OSError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(audience_writes, "_note", failing_note)
        patched.setattr(durable, "switch_in", failing_switch)
        with pytest.raises(ClientelaError):
            write(company)
    was_handed_out = moment in ("after the name", "before the last word")
    assert ("friends.csv" in files(company)) == was_handed_out
    taken = company.config.data / "audiences" / "friends.csv"
    if was_handed_out:
        # whoever sends it has taken it up: that it is gone is no reason to write it again
        taken.unlink()
    again = write(company, NOW + timedelta(hours=1))
    assert again.was_written == was_handed_out
    assert files(company) == ([] if was_handed_out else ["friends.csv"])
    events = Counter(event for (event,) in company.warehouse("select event from memory.audience_writes"))
    assert events["written"] == 1 and events["abandoned"] == (moment == "before the name")


TABLE: dict[str, Any] = {
    "database": {"connection_env": "CRM_WRITES", "table": "calls"},
    "columns": ["campaign_key", "customer_key", "email", "net_revenue_12m", "orders_12m"],
}  # fmt: skip


@pytest.fixture
def crm(company: Company, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """The company's own database, beside its configuration, and an audience that goes into it."""
    monkeypatch.setenv("CRM_WRITES", "sqlite:///crm.db")
    with closing(sqlite3.connect(company.config_path.parent / "crm.db")) as connection:
        connection.execute("create table notes (text varchar)")
        connection.commit()
        company.change(lambda settings: settings["audiences"]["friends"].update(TABLE))
        yield connection


def test_an_audience_goes_into_a_table_of_the_company_s_database_once(
    company: Company, crm: sqlite3.Connection
) -> None:
    written = write(company)
    assert written.path is None and written.table == "calls of the database of CRM_WRITES"
    found = crm.execute("select * from calls")
    assert [name for name, *_ in found.description] == TABLE["columns"], "exactly what was asked for"
    rows = found.fetchall()
    assert len(rows) == written.chosen and written.chosen + written.held_out == 23
    number = int(rows[0][1].removeprefix("c"))
    assert rows[0] == ("friends", f"c{number}", f"ana{number}@example.com", float(number), 1)
    assert write(company, NOW + timedelta(days=3)).was_written
    assert crm.execute("select count(*) from calls").fetchone() == (written.chosen,)
    # another campaign is added to it; a table with other columns is refused, and nothing is remembered
    other = write(company, NOW + timedelta(days=4), campaign_key="other")
    counted = crm.execute("select campaign_key, count(*) from calls group by 1 order by 1").fetchall()
    assert counted == [("friends", written.chosen), ("other", other.chosen)]
    company.change(lambda settings: settings["audiences"]["friends"].update(columns=["email"]))
    with pytest.raises(ClientelaError, match="the table calls of the database of CRM_WRITES has the columns"):
        write(company, campaign_key="third")
    assert company.warehouse("select count(*) from memory.audience_writes where campaign_key = 'third'") == [(0,)]


@pytest.mark.parametrize("moment", ["before memory", "before the rows", "before its commit", "after the rows"])
def test_a_fault_on_the_way_to_the_database_writes_once(
    company: Company, crm: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    note, write_rows, commit = audience_writes._note, audience_table.write_rows, audience_table._Sqlalchemy.commit

    def failing_note(connection: Any, row: Any) -> None:
        if row["event"] == {"before memory": "prepared", "after the rows": "written"}.get(moment):
            raise OSError("the disk is gone")
        note(connection, row)

    def failing_rows(*given: Any) -> None:
        if moment == "before the rows":
            raise OSError("the disk is gone")
        monkeypatch.setattr(audience_table._Sqlalchemy, "commit", failing_commit)
        write_rows(*given)

    def failing_commit(self: Any) -> None:
        if moment == "before its commit":
            raise OSError("the disk is gone")
        commit(self)

    with monkeypatch.context() as patched:
        patched.setattr(audience_writes, "_note", failing_note)
        patched.setattr(audience_table, "write_rows", failing_rows)
        with pytest.raises(ClientelaError):
            write(company)
    monkeypatch.setattr(audience_table._Sqlalchemy, "commit", commit)
    has_rows = bool(crm.execute("select count(*) from calls").fetchone()[0])
    assert has_rows == (moment == "after the rows")
    if moment != "before memory":
        # while the database cannot be asked, nobody can tell: nothing is written, and a night goes on
        monkeypatch.setenv("CRM_WRITES", "sqlite:///away.db")
        with pytest.raises(ClientelaError, match="is not known"):
            write(company)
        with open_run(company.config, "night", now=NOW):
            pass
        monkeypatch.setenv("CRM_WRITES", "sqlite:///crm.db")
    assert write(company, NOW + timedelta(hours=1)).was_written == has_rows
    rows = crm.execute("select email from calls").fetchall()
    assert rows and len(rows) == len(set(rows)), "once, whatever came between"
    assert company.warehouse("select count(*) from memory.audience_writes where event = 'written'") == [(1,)]


def highest(company: Company, **figure: Any) -> list[int]:
    """Who is written out of those with the highest figure."""
    wanted = {"top": 3, "held_out": 0, "columns": ["customer_id"], **figure}
    company.change(lambda settings: settings["audiences"]["friends"].update(wanted))
    key = "_".join(str(value) for value in figure.values())
    return [int(row["customer_id"]) for row in rows_of(write(company, campaign_key=key).path)]


def test_the_highest_are_told_by_uplift_offer_or_risk_and_where_there_is_no_such_figure_a_sentence_says_so(
    company: Company,
) -> None:
    """The company has no uplift and no offers; then, in its warehouse, it has both."""
    for by, sentence in (
        ("uplift", "nothing can be said of single customers' uplift in any campaign"),
        ("offer_probability", "there is no offer known of anybody"),
    ):
        with pytest.raises(ClientelaError, match=f"audiences.friends.top_by: {sentence}"):
            highest(company, top_by=by)
    seen = highest(company, top_by="expected_value", top=7)
    with closing(duckdb.connect(str(company.config.warehouse))) as connection:
        for statement in (
            "insert into relationship.campaigns by name select unnest([1, 2]) as campaign_id, "
            "unnest(['old', 'new']) as campaign_key, unnest([date '2025-01-01', date '2026-01-01']) as window_until_on",
            f"insert into relationship.customer_uplift by name select unnest([1, 1, 2, 2]) as campaign_id, "
            f"unnest([{seen[0]}, {seen[1]}, {seen[2]}, {seen[3]}]) as customer_id, unnest([9, 8, 1, 2]) as expected_uplift",
            f"insert into relationship.customer_offers by name select unnest([{seen[4]}, {seen[5]}, {seen[6]}]) as customer_id, "
            "unnest(['X', 'Y', 'X']) as offer, unnest([0.5, 0.9, 0.7]) as probability",
        ):
            connection.execute(statement)
    assert highest(company, top_by="uplift") == [seen[2], seen[3]], "the last campaign that tells customers apart"
    assert highest(company, top_by="uplift", uplift_of="old") == [seen[0], seen[1]]
    company.change(lambda settings: settings["audiences"]["friends"].pop("uplift_of"))
    assert highest(company, top_by="offer_probability", top=2) == [seen[5], seen[6]]
    assert highest(company, top_by="offer_probability", offer="X", top=1) == [seen[6]]


def test_what_was_written_out_goes_with_who_is_forgotten(company: Company) -> None:
    written = write(company)
    assert written.path is not None and written.path.exists()
    clean_data_folder(company.config)
    assert not written.path.exists()
    assert write(company, NOW + timedelta(days=1)).was_written


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rule": "orders in (select 1)"}, "audiences.friends"),
        ({"columns": ["emial"]}, "'emial' is not a column of a customer; did you mean email"),
        ({"keys_of": "crm"}, "'crm' is not a source"),
        ({"channel": "pigeon"}, "'pigeon' is not a channel"),
        ({"held_out": 1}, "held_out"),
        ({"top": 5, "uplift_of": "MAY"}, "`uplift_of` says by what the highest are told"),
        ({"offer": "X", "top_by": "offer_probability"}, "it needs `top`"),
    ],
)
def test_an_audience_that_cannot_be_is_refused(shop: Company, change: dict[str, Any], sentence: str) -> None:
    shop.change(lambda settings: settings.update(audiences={"friends": AUDIENCE | change}))
    with pytest.raises(ConfigError, match=sentence):
        load_config(shop.config_path)
