"""The published file: built aside, checked, and switched in atomically. Readers never see half of it.

`publish_marts` writes every mart into a new DuckDB file, masks personal columns, lets descriptions travel as comments and
swaps the file in with one rename. A reader that holds the old file keeps it. Where nothing has to go from its bytes the new
file begins as a copy of the last, as `clientela.publish_upon` says. `publish_operations` does the same for the ledger after
every run, failed ones too, and writes it whole. What a mart holds is decided in `models/`, not here.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from clientela import project_files, publish_upon, stopping
from clientela.compiled_models import declared_personal
from clientela.config.company import Config
from clientela.errors import NotPublishedError
from clientela.file_modes import give_to, make_shared_folder, private_files, share
from clientela.masking import check_value, masked_sql
from clientela.publish_upon import NotUponError
from clientela.sql.quoting import literal, quoted
from clientela.transform import COMPANY_PACKAGE
from clientela.warehouse.faults import is_damage
from clientela.warehouse.keys import confirmed_secret
from clientela.warehouse.transactions import transaction
from clientela.wording import did_you_mean

MARTS_FILE = "marts.duckdb"
OPERATIONS_FILE = "operations.duckdb"
VERSIONS = "versions"
#: the ledger's tables that a person outside the warehouse may ask, and their personal columns
OPERATIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "runs": ("select * from ledger.runs", ()),
    "loads": ("select * from ledger.loads", ()),
    "load_checks": ("select * from ledger.load_checks", ()),
    "quarantined_rows": (
        "select * from ledger.quarantined_rows "
        "where batch_id not in (select batch_id from ledger.loads where retired_at is not null)",
        ("personal_value", "delivered_row"),
    ),
    "sources": ("select * from ledger.source_state", ()),
}

#: written with the file, not built: it says of the tables of the file how they fit together
TABLE_KEYS = "table_keys"
TABLE_KEYS_COLUMNS = {
    "table_schema": "Schema of the table.",
    "table_name": "The table.",
    "kind": "`key`: the table has one row per these columns; `join`: the column leads to another table.",
    "column_names": "The columns, separated by commas.",
    "nullable_columns": "Of a key, the columns that may be null; the others never are. Null where there is none.",
    "joins_to": "Of a join, the table with one row per value, as schema.table.",
    "joins_to_column": "Of a join, its key.",
}
#: of keys that several tables have, the table that a column of that name leads to
HOMES = {"customer_id": "customer.customers", "campaign_id": "relationship.campaigns"}

#: the rule of the model int_permissions on the published log, for any day; a test compares the two
PERMISSION_AS_OF = """
with terms as (
    select distinct purpose, channel from relationship.contact_permissions
),
words as (
    select consents.*, terms.purpose as asked_purpose, terms.channel as asked_channel
    from relationship.consents as consents
    inner join terms
        on (consents.channel is null or consents.channel = terms.channel)
        and (
            consents.purpose = terms.purpose
            or consents.purpose = 'relationship' and terms.purpose <> 'transactional'
        )
    where consents.decided_on <= day
    qualify row_number() over (
        partition by consents.customer_id, terms.purpose, terms.channel order by consents.word_number desc
    ) = 1
),
judged as (
    select
        asked.customer_id, asked.purpose, asked.channel, words.status,
        case
            when customers.erasure_requested_on <= day then null
            when asked.purpose = 'transactional' then 'transactional'
            when words.status = 'granted' then 'consent'
            when words.status is null and asked.is_granted_by_default then 'default'
        end as basis,
        case
            when customers.erasure_requested_on <= day then 'erasure requested'
            when asked.purpose = 'transactional' then null
            when words.status in ('refused', 'withdrawn') then words.status
            when words.status is null and not asked.is_granted_by_default then 'never asked'
        end as reason
    from relationship.contact_permissions as asked
    inner join customer.customers as customers on asked.customer_id = customers.customer_id
    left join words
        on asked.customer_id = words.customer_id
        and asked.purpose = words.asked_purpose
        and asked.channel = words.asked_channel
    where customers.first_seen_on <= day or customers.first_seen_on is null
)
select customer_id, purpose, channel, basis is not null as is_permitted, basis, reason, status from judged
"""

#: questions that travel with the file, as table macros: the mart they ask, name with parameters, query, meaning
MACROS: tuple[tuple[str, str, str, str], ...] = (
    (
        "quality.customer_record_history",
        "customer.customer_id_as_of(day)",
        "select customer_record_id, customer_id from quality.customer_record_history "
        "where (valid_from_on <= day or valid_from_on = (select min(valid_from_on) from quality.customer_record_history)) "
        "and (valid_until_on > day or valid_until_on is null)",
        "Which customer each record was at the end of a day, as the file published then said; of a day before the first run, "
        "what that run said.",
    ),
    (
        "relationship.contact_permissions",
        "relationship.permission_as_of(day)",
        PERMISSION_AS_OF,
        "Whether each customer had given a ground to be contacted by the end of a day, for each purpose and channel: "
        "what they had said by then, and today's defaults. Customers are those of today; addresses, complaints and limits "
        "are left out.",
    ),
)


@dataclass(frozen=True)
class Mart:
    """One table to publish, as dbt's manifest describes it."""

    schema: str
    name: str
    description: str
    #: column → (description, is personal)
    columns: dict[str, tuple[str, bool]]
    #: one row for each of its values, and which of these columns may be null; empty where nobody said it
    key: tuple[str, ...] = ()
    key_may_be_null: tuple[str, ...] = ()
    #: a test of the models has found no two rows of one key; else publication looks
    is_key_tested: bool = False
    #: of a company's own mart: the types that personal columns which its SQL names can come out as, under whatever name
    personal_types: frozenset[str] = frozenset()
    #: columns that are not personal all the same: theirs that say so, and the names that are not personal in our marts
    not_personal: frozenset[str] = frozenset()

    def personal(self, types: Mapping[str, str]) -> set[str]:
        """The columns of these, by their types, that may tell who a person is.

        Texts of a company's own mart are personal where its SQL names a personal column, and days where it names a personal
        day, unless it says otherwise.
        """
        described = {name.lower(): is_personal for name, (_, is_personal) in self.columns.items()}
        return {
            name
            for name, sql_type in types.items()
            if described.get(name.lower())
            or (name.lower() not in self.not_personal and any(held in sql_type for held in self.personal_types))
        }

    def undeclared(self, types: Mapping[str, str]) -> set[str]:
        """The columns that are personal for what the SQL reads alone: nobody said what they are."""
        return self.personal(types) - replace(self, personal_types=frozenset()).personal(types)


@dataclass(frozen=True)
class Readers:
    """For whom a file is: `shown` are the personal columns that they see where others are masked, of the customers alone who
    may be contacted for that purpose."""

    is_masked: bool
    shown: frozenset[str] = frozenset()
    purpose: str | None = None
    channel: str | None = None


#: types, in lists and structs too, that a personal column of a type can come out as; numbers and flags are counted on
_COMES_OUT_AS = {"date": ("DATE", "TIMESTAMP", "VARCHAR")}
_TEXT = ("VARCHAR", "JSON", "BLOB")

#: whom a profile's readers may contact; $purpose and $channel are bound
_PERMITTED = """
    select customer_id from relationship.contact_permissions
    where is_permitted and purpose = $purpose and channel = coalesce($channel, channel)
"""


@dataclass(frozen=True)
class Published:
    """What was published: the file's path and bytes, its tables and the rows in all of them.

    `note`: what whoever reads the report must know of it, empty if nothing.
    """

    path: Path
    tables: int
    rows: int
    bytes: int
    #: what a person should know of it all the same
    note: str = ""
    #: columns of the company's own marts that are masked since nobody said what they are, as mart.column
    undeclared: tuple[str, ...] = ()


def marts_of(manifest: dict[str, Any]) -> list[Mart]:
    """Every model under models/marts, and the company's own, sorted by schema and name.

    In the company's own models a column that bears the name of a personal column of ours is personal too, unless it says
    `personal: false`; what they make of personal columns under other names, see `Mart.personal`.
    """
    marts: list[Mart] = []
    own: dict[str, Mart] = {}
    tested = _tested_keys(manifest)
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model" or node["config"].get("materialized") == "ephemeral":
            continue
        is_own = node["package_name"] == COMPANY_PACKAGE
        if not is_own and "marts" not in node["fqn"]:
            continue
        columns = {
            name: (column["description"].strip(), bool(declared_personal(column)))
            for name, column in node["columns"].items()
        }
        meta = node["config"].get("meta", {})
        key = tested.get(node["unique_id"]) or tuple(meta.get("key", ()))
        mart = Mart(
            node["schema"], node["name"], node["description"].strip(), columns,
            key, tuple(meta.get("key_may_be_null", ())), node["unique_id"] in tested,
        )  # fmt: skip
        if is_own:
            own[node["unique_id"]] = mart
        else:
            marts.append(mart)
    ours = {name: is_personal for mart in marts for name, (_, is_personal) in mart.columns.items()}
    personal = {name for mart in marts for name, (_, is_personal) in mart.columns.items() if is_personal}
    types = {
        name: str(column.get("data_type") or "").lower()
        for node in manifest["nodes"].values()
        for name, column in node.get("columns", {}).items()
        if name in personal
    }
    for unique_id, mart in own.items():
        read = personal & _words(manifest["nodes"], unique_id)
        declared = {
            name.lower(): declared_personal(column) for name, column in manifest["nodes"][unique_id]["columns"].items()
        }
        cleared = {name for name, is_personal in declared.items() if is_personal is False}
        columns = mart.columns | {name: (mart.columns.get(name, ("",))[0], True) for name in personal - cleared}
        marts.append(
            replace(
                mart,
                description=mart.description or "One of the company's own marts.",
                columns=columns,
                personal_types=frozenset(kind for name in read for kind in _COMES_OUT_AS.get(types[name], _TEXT)),
                not_personal=frozenset({*ours} - personal | cleared),
            )
        )
    return sorted(marts, key=lambda mart: (mart.schema, mart.name))


def _words(nodes: Mapping[str, Any], unique_id: str) -> set[str]:
    """The words in the SQL of a company's own model and of those of its own that it stands on."""
    waiting, seen, words = [unique_id], set[str](), set[str]()
    while waiting:
        key = waiting.pop()
        if key in seen or key not in nodes or nodes[key]["package_name"] != COMPANY_PACKAGE:
            continue
        seen.add(key)
        words.update(re.findall(r"\w+", nodes[key].get("raw_code", "").lower()))
        waiting += nodes[key].get("depends_on", {}).get("nodes", [])
    return words


def _tested_keys(manifest: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Model → the columns of which a test says that no two rows share them and none is null."""
    found = {}
    for node in manifest["nodes"].values():
        test = node.get("test_metadata") or {}
        if node["resource_type"] == "test" and test.get("name") == "one_row_per" and node.get("attached_node"):
            found[node["attached_node"]] = tuple(test["kwargs"]["columns"])
    return found


def publish_marts(
    connection: duckdb.DuckDBPyConnection,
    config: Config,
    marts: list[Mart],
    folder: Path,
    *,
    reached_on: date | None = None,
    before_switch: Callable[[], None] = lambda: None,
) -> Published:
    """Write, check and switch in `folder/marts.duckdb`. `before_switch` runs once the new file is known to be good.

    `reached_on`: the last day that the loaded transactions reach. Raises NotPublishedError, and leaves the published file as
    it was, if the marts are not all of the run in `run.context`, or the published file is of a later as-of that the loaded
    data still reach. Where they do not, the day was taken away with its data: its file gives way, and the note says so.
    """
    context = connection.execute("select run_id, as_of_on from run.context").fetchall()
    if not context:
        raise NotPublishedError("There are no marts yet; `clientela run` builds and publishes them.")
    run_id, as_of_on = context[0]
    _need_one_run(connection, marts, run_id)
    published = folder / MARTS_FILE
    note = ""
    if published.exists():
        try:
            last = _published_day(published)
        except duckdb.Error as error:
            # a file that nobody can read is no reason to keep it
            last, note = None, f"{published} could not be read and was replaced: {str(error).splitlines()[0]}"
        if last is not None and last > as_of_on:
            if reached_on is None or min(last, reached_on) > as_of_on:
                raise NotPublishedError(
                    f"The published file is as of {last} and these marts are as of {as_of_on}: "
                    "an older day is published beside, with `clientela run --as-of`."
                )
            note = (
                f"No loaded transaction reaches {last} any more, the day of the file published before: "
                f"published as of {as_of_on}."
            )
    versions = folder / VERSIONS
    make_shared_folder(versions)
    aside = versions / f"marts_{run_id}.duckdb"
    secret = confirmed_secret(connection, config.data)
    is_masked = config.publish.personal_data == "masked"
    files = _Files(connection, config, marts, secret, has_copies=folder == config.published)
    rows = files.write(published, aside, Readers(is_masked))
    counted = _check(aside, marts, run_id, rows)
    # past days are for those of `published/` alone
    profiles = _write_profiles(files) if folder == config.published else {}
    before_switch()
    _switch(aside, published)
    for beside, path in profiles.items():
        _switch_profile(config, beside, path)
    files.remember(published, *profiles.values())
    for old in sorted(versions.glob("marts_*.duckdb"), key=lambda path: path.stat().st_mtime)[: -config.publish.keep]:
        old.unlink()
    return Published(published, len(marts), counted, published.stat().st_size, note, files.undeclared())


class _Files:
    """The files of one publication: what each holds, and whether it may begin as a copy of the one published last.

    It may where that file is as we left it, was made by the same rules, and nothing was taken away since whose bytes have to
    go: `run.published_files` says by which rules, in which all of that is, and how the file was left.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        config: Config,
        marts: list[Mart],
        secret: str,
        *,
        has_copies: bool,
    ) -> None:
        self.connection, self.config, self.marts, self._secret = connection, config, marts, secret
        self._types: dict[tuple[str, str], dict[str, str]] = {}
        for schema, table, column, sql_type in connection.execute(
            """
            select schema_name, table_name, column_name, data_type from duckdb_columns()
            where database_name = current_database() order by column_index
            """
        ).fetchall():
            self._types.setdefault((schema, table), {})[column] = sql_type
        self._tables = {
            row[:2]
            for row in connection.execute(
                "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
            ).fetchall()
        }
        self._has_copies = has_copies and ("run", "published_files") in self._tables
        self._rules: dict[str, str] = {}
        #: all keys were looked at; where a file begins as a copy, those of what differs are enough
        self._has_whole_keys = False

    def undeclared(self) -> tuple[str, ...]:
        """The columns of a company's own marts that nobody said are personal, and that may be."""
        return tuple(
            f"{mart.name}.{name}"
            for mart in self.marts
            for name in sorted(mart.undeclared(self._types[mart.schema, mart.name]))
        )

    def write(self, last: Path, aside: Path, readers: Readers) -> list[int]:
        """Write the file that is to take the last one's place; gives the rows that each mart is to have in it."""
        if self._has_copies:
            self._rules[last.name] = self._rules_of(readers)
            if self._is_ours(last):
                try:
                    with _writing(self.connection, aside, self.config.publish.storage_version, last) as catalog:
                        return self._write_upon(catalog, readers)
                except NotUponError:
                    pass
                except duckdb.Error as error:
                    # a file that cannot be read is no reason not to write one
                    if not is_damage(error):
                        raise
        if not self._has_whole_keys:
            for mart in self.marts:
                _need_one_row_per_key(self.connection, mart)
            self._has_whole_keys = True
        with _writing(self.connection, aside, self.config.publish.storage_version) as catalog:
            return self._write_whole(catalog, readers)

    def remember(self, *published: Path) -> None:
        """Note how the files were left, and by which rules they were made. They are published: where that cannot be noted, the
        next ones are written whole."""
        if not self._has_copies:
            return
        with suppress(duckdb.Error), transaction(self.connection):
            self.connection.execute("delete from run.published_files")
            self.connection.executemany(
                "insert into run.published_files values (?, ?, ?)",
                [[path.name, self._rules[path.name], _left(path)] for path in published],
            )

    def _is_ours(self, last: Path) -> bool:
        known = self.connection.execute(
            "select rules, left_as from run.published_files where name = ?", [last.name]
        ).fetchall()
        return last.is_file() and known == [(self._rules[last.name], _left(last))]

    def _rules_of(self, readers: Readers) -> str:
        """Everything but the marts' rows that a file is made of, and what was ever taken away, in short."""
        taken = self.connection.execute(
            """
            select
                (
                    select string_agg(batch_id || ' ' || status, ',' order by batch_id) from ledger.loads
                    where loaded_at is not null and (status <> 'loaded' or retired_at is not null)
                ),
                (select count(*) from ledger.tombstones),
                (select string_agg(expired_at::varchar, ',' order by expired_at) from ledger.expiries),
                (select count(*) from raw.erasures)
            """
        ).fetchall()
        made_of = (
            *(project_files.code_version(), duckdb.__version__, self.config.publish.storage_version),
            *(check_value(self._secret), taken, sorted(readers.shown), readers.is_masked),
            *(readers.purpose, readers.channel),
            [(mart, self._types[mart.schema, mart.name]) for mart in self.marts],
        )
        return hashlib.sha256(repr(made_of).encode()).hexdigest()

    def _write_whole(self, catalog: str, readers: Readers) -> list[int]:
        """Every mart, as these readers may see it, and the questions that travel with the file."""
        with transaction(self.connection):
            rows = [self._create(mart, catalog, readers) for mart in self.marts]
            _write_keys(self.connection, self.marts, catalog)
            for asked, signature, query, meaning in MACROS:
                if any(f"{mart.schema}.{mart.name}" == asked for mart in self.marts):
                    self.connection.execute(f"create macro {catalog}.{signature} as table {query}")
                    name = signature.partition("(")[0]
                    self.connection.execute(f"comment on macro table {catalog}.{name} is {literal(meaning)}")
        return rows

    def _create(self, mart: Mart, catalog: str, readers: Readers) -> int:
        """One mart's table; gives its rows."""
        connection, types = self.connection, self._types[mart.schema, mart.name]
        target = f"{catalog}.{_name(mart)}"
        query, parameters, hidden = self._query(mart, readers)
        connection.execute(f"create schema if not exists {catalog}.{quoted(mart.schema)}")
        never_null = {name for name in mart.key if name not in mart.key_may_be_null}
        columns = ", ".join(
            f"{quoted(name)} {sql_type}{' not null' if name in never_null else ''}" for name, sql_type in types.items()
        )
        connection.execute(f"create table {target} ({columns})")
        ((rows,),) = connection.execute(f"insert into {target} {query}", parameters).fetchall()
        described = {name.lower(): column for name, column in mart.columns.items()}
        comments = [f"comment on table {target} is {literal(mart.description)}"]
        for name in types:
            description, _ = described.get(name.lower(), ("", False))
            note = f"{description} (masked)".strip() if name in hidden else description
            comments.append(f"comment on column {target}.{quoted(name)} is {literal(note)}")
        # asked one by one, the comments of a small company cost as much as its rows
        connection.execute("; ".join(comments))
        return int(rows)

    def _query(self, mart: Mart, readers: Readers) -> tuple[str, dict[str, str | None], set[str]]:
        """SELECT of a mart as these readers may see it, with its parameters, and the columns that are hidden from them."""
        types = self._types[mart.schema, mart.name]
        personal = mart.personal(types)
        hidden = {name for name in personal if readers.is_masked and name.lower() not in readers.shown}
        selected, parameters = _selected(types, hidden, self._secret)
        rows = ""
        if readers.purpose is not None and personal - hidden:
            # without a customer there is nobody to be contacted
            rows = f" where customer_id in ({_PERMITTED})" if "customer_id" in types else " where false"
            if "customer_id" in types:
                parameters |= {"purpose": readers.purpose, "channel": readers.channel}
        return f"select {selected} from {_name(mart)}{rows}", parameters, hidden

    def _write_upon(self, catalog: str, readers: Readers) -> list[int]:
        """The tables that differ, or the rows that do; gives what all have."""
        tables: list[publish_upon.Table] = []
        made: list[str] = []
        try:
            for mart in self.marts:
                types = self._types[mart.schema, mart.name]
                query, parameters, hidden = self._query(mart, readers)
                source = _name(mart)
                if hidden or parameters or self._is_small_view(catalog, mart):
                    # what a mask or a view costs is paid once
                    source = f"to_publish_{len(made)}"
                    made.append(source)
                    self.connection.execute(f"create or replace temp table {source} as {query}", parameters)
                shown = sorted(mart.personal(types) - hidden)
                tables.append(
                    publish_upon.Table(
                        _name(mart), source, tuple(types), mart.key, tuple(shown), is_key_tested=mart.is_key_tested
                    )
                )
            return list(publish_upon.write_upon(self.connection, catalog, tables).rows)
        finally:
            for source in made:
                self.connection.execute(f"drop table if exists {source}")

    def _is_small_view(self, catalog: str, mart: Mart) -> bool:
        """Whether it is a view of so few rows that it is made once rather than read twice."""
        if (mart.schema, mart.name) in self._tables:
            return False
        held = self.connection.execute(
            "select estimated_size from duckdb_tables() where database_name = ? and schema_name = ? and table_name = ?",
            [catalog, mart.schema, mart.name],
        ).fetchall()
        return bool(held) and int(held[0][0]) < publish_upon.MANY_ROWS


def _left(path: Path) -> str:
    """How a file was left: whoever writes into it, or puts another in its place, leaves it otherwise."""
    state = path.stat()
    return f"{state.st_ino} {state.st_size} {state.st_mtime_ns}"


def _name(mart: Mart) -> str:
    return f"{quoted(mart.schema)}.{quoted(mart.name)}"


def _write_profiles(files: _Files) -> dict[Path, Path]:
    """The file of each profile, written aside: path → where it goes. Raises NotPublishedError for a column that no mart has."""
    config, written = files.config, {}
    personal = {name for mart in files.marts for name, (_, is_personal) in mart.columns.items() if is_personal}
    for name, profile in config.publish.profiles.items():
        if unknown := sorted(set(profile.personal_columns) - personal):
            hint = did_you_mean(unknown[0], personal) or "."
            raise NotPublishedError(
                f"publish.profiles.{name}.personal_columns: {unknown[0]!r} is no personal column of a mart{hint}"
            )
        folder = config.profile_folder(name)
        with private_files():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            aside = folder / f".marts_{name}.{os.getpid()}"
            readers = Readers(True, frozenset(profile.personal_columns), profile.purpose, profile.channel)
            files.write(folder / f"marts_{name}.duckdb", aside, readers)
        written[aside] = folder / f"marts_{name}.duckdb"
    return written


def _switch_profile(config: Config, aside: Path, path: Path) -> None:
    """Give a profile's file to its readers, and its name in one step."""
    name = path.stem.removeprefix("marts_")
    give_to(path.parent, aside, config.publish.profiles[name].group)
    os.replace(aside, path)


def is_readable(path: Path) -> bool:
    """Whether there is a published file that opens and says whose figures it holds."""
    if not path.is_file():
        return False
    try:
        return _published_day(path) is not None
    except duckdb.Error:
        return False


def _published_day(path: Path) -> date | None:
    with _reading(path) as reader:
        day: date | None = reader.execute("select max(as_of_on) from operations.publication").fetchall()[0][0]
    return day


def publish_operations(connection: duckdb.DuckDBPyConnection, config: Config) -> Path:
    """Write `published/operations.duckdb`: what arrived, what was refused and why; personal values masked."""
    make_shared_folder(config.published)
    path = config.published / OPERATIONS_FILE
    aside = config.published / f".operations.{os.getpid()}.duckdb"
    secret = confirmed_secret(connection, config.data)
    is_masked = config.publish.personal_data == "masked"
    with _writing(connection, aside, config.publish.storage_version) as catalog, transaction(connection):
        for name, (query, personal) in OPERATIONS.items():
            types = {row[0]: row[1] for row in connection.execute(f"describe {query}").fetchall()}
            hidden = set(personal) if is_masked else set()
            selected, parameters = _selected(types, hidden, secret)
            connection.execute(f"create table {catalog}.{quoted(name)} as select {selected} from ({query})", parameters)
    _switch(aside, path, keep_aside=False)
    return path


def _need_one_run(connection: duckdb.DuckDBPyConnection, marts: list[Mart], run_id: str) -> None:
    built = dict(connection.execute("select model, run_id from run.built").fetchall())
    others = [f"{mart.schema}.{mart.name}" for mart in marts if built.get(f"{mart.schema}.{mart.name}") != run_id]
    if others:
        raise NotPublishedError(
            f"{', '.join(others[:5])}{' and others' if len(others) > 5 else ''} were not built by run {run_id}; "
            "`clientela run` builds all marts together."
        )


def _need_one_row_per_key(connection: duckdb.DuckDBPyConnection, mart: Mart) -> None:
    """Raise NotPublishedError where two rows bear one key, or a part of it is null that must not be: a broken grain."""
    if not mart.key or mart.is_key_tested:
        return
    names = ", ".join(quoted(name) for name in mart.key)
    never_null = [quoted(name) for name in mart.key if name not in mart.key_may_be_null]
    missing = " or ".join(f"{name} is null" for name in never_null) or "false"
    ((wrong,),) = connection.execute(
        f"select count(*) from (select 1 from {quoted(mart.schema)}.{quoted(mart.name)} "
        f"group by {names} having count(*) > 1 or {missing})"
    ).fetchall()
    if wrong:
        raise NotPublishedError(
            f"{mart.schema}.{mart.name} is one row per {', '.join(mart.key)}, and {wrong} of these are in several rows or "
            "incomplete: its model is wrong. The published file is as it was."
        )


def joins_of(marts: list[Mart]) -> list[tuple[Mart, str, Mart, str]]:
    """Mart, column, the mart that the column leads to, and its key there: by names that end alike, `…customer_id`.

    The one run of a published file is no table to join with.
    """
    by_key: dict[str, list[Mart]] = {}
    for mart in marts:
        if len(mart.key) == 1 and mart.key[0].endswith("_id") and mart.key != ("run_id",):
            by_key.setdefault(mart.key[0], []).append(mart)
    # customers have many marts of one row each; a mart of its own name is home
    homes = {
        key: next((mart for mart in found if f"{mart.schema}.{mart.name}" == HOMES.get(key)), found[0])
        for key, found in by_key.items()
        if key in HOMES or len(found) == 1
    }
    return [
        (mart, column, home, key)
        for mart in marts
        for column in mart.columns
        for key, home in homes.items()
        if (column == key or column.endswith(f"_{key}")) and (home, key) != (mart, column)
    ]


def _write_keys(connection: duckdb.DuckDBPyConnection, marts: list[Mart], catalog: str) -> None:
    """`operations.table_keys`: what every table is one row per, and which columns lead to which other table."""
    rows: list[tuple[str | None, ...]] = [
        (mart.schema, mart.name, "key", ", ".join(mart.key), ", ".join(mart.key_may_be_null) or None, None, None)
        for mart in marts
        if mart.key
    ]
    rows += [
        (mart.schema, mart.name, "join", column, None, f"{home.schema}.{home.name}", key)
        for mart, column, home, key in joins_of(marts)
    ]
    target = f"{catalog}.operations.{TABLE_KEYS}"
    connection.execute(f"create schema if not exists {catalog}.operations")
    columns = ", ".join(f"{quoted(name)} varchar" for name in TABLE_KEYS_COLUMNS)
    connection.execute(f"create table {target} ({columns})")
    if rows:
        connection.executemany(f"insert into {target} values (?, ?, ?, ?, ?, ?, ?)", rows)
    connection.execute(
        f"comment on table {target} is {literal('One row per key and per join of a published table: how tables fit together.')}"
    )
    for name, meaning in TABLE_KEYS_COLUMNS.items():
        connection.execute(f"comment on column {target}.{quoted(name)} is {literal(meaning)}")


def _selected(types: dict[str, str], hidden: set[str], secret: str) -> tuple[str, dict[str, str | None]]:
    columns = [
        f"{masked_sql(quoted(name), sql_type, '$secret')} as {quoted(name)}" if name in hidden else quoted(name)
        for name, sql_type in types.items()
    ]
    selected = ", ".join(columns)
    return selected, ({"secret": secret} if "$secret" in selected else {})


@contextmanager
def _writing(
    connection: duckdb.DuckDBPyConnection, path: Path, storage_version: str, copied: Path | None = None
) -> Iterator[str]:
    """A new file, or a copy of one, attached while it is filled; what a killed run left there goes first, and what fails
    leaves nothing."""
    _remove(path)
    catalog = "publishing"
    try:
        if copied is not None:
            publish_upon.clone(copied, path)
        connection.execute(f"attach {literal(str(path))} as {catalog} (storage_version {literal(storage_version)})")
        yield catalog
        connection.execute(f"checkpoint {catalog}")
        connection.execute(f"detach {catalog}")
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    except BaseException:
        with suppress(duckdb.Error):
            connection.execute(f"detach {catalog}")
        _remove(path)
        raise


def _remove(path: Path) -> None:
    for leftover in (path, path.with_name(f"{path.name}.wal")):
        leftover.unlink(missing_ok=True)


def _check(path: Path, marts: list[Mart], run_id: str, rows: list[int]) -> int:
    """Open the new file as a reader would: every mart is there with its rows, and it is this run's. Gives the rows in all."""
    with _reading(path) as reader:
        for mart, wanted in zip(marts, rows, strict=True):
            ((found,),) = reader.execute(f"select count(*) from {_name(mart)}").fetchall()
            if found != wanted:
                raise NotPublishedError(
                    f"The new file has {found} of {wanted} rows of {mart.schema}.{mart.name}; the published file is as it was."
                )
        if reader.execute("select run_id from operations.publication").fetchall() != [(run_id,)]:
            raise NotPublishedError(
                f"The new file does not say that it is run {run_id}'s; the published file is as it was."
            )
    return sum(rows)


@contextmanager
def _reading(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(path), read_only=True) as reader, stopping.interrupting(reader.interrupt):
        yield reader


def _switch(aside: Path, path: Path, *, keep_aside: bool = True) -> None:
    """Put the new file at the published path in one step; a log left beside the old one would make it unopenable."""
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    share(aside)
    if keep_aside:
        link = path.with_name(f".{path.name}.{os.getpid()}")
        link.unlink(missing_ok=True)
        os.link(aside, link)
        aside = link
    os.replace(aside, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
