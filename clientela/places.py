"""Every path of the data folder and every table of the warehouse: what it holds, whether that may be personal, how it comes back.

One registry, which backup, forgetting, retention and file modes walk. A test fails when a run writes anything that is not
listed here: whoever adds a place says here what it holds. How a place is written is in the module that writes it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath


class Kind(Enum):
    """How what a place holds comes back once it is lost."""

    #: it cannot be made again: a backup holds it
    KEPT = "kept"
    #: the next run makes it anew
    BUILT = "built"
    #: it is there while something is under way, or until somebody removes it
    PASSING = "passing"


@dataclass(frozen=True)
class Place:
    """A path below the data folder, all that is below it where it ends with `/`; or tables of the warehouse."""

    pattern: str
    holds: str
    is_personal: bool
    kind: Kind
    #: the group of `publish.group` may read it
    is_shared: bool = False


PATHS: tuple[Place, ...] = (
    Place("warehouse.duckdb", "the warehouse: its tables are listed below", True, Kind.KEPT),
    Place("warehouse.duckdb.wal", "what a run has written to the warehouse last", True, Kind.KEPT),
    Place("secret", "the key that personal values are masked with", False, Kind.KEPT),
    Place("secret.next", "the key that a rotation puts in its place", False, Kind.PASSING),
    Place("landing/", "delivered files as they came", True, Kind.KEPT),
    Place("quarantine/", "the rows of refused batches", True, Kind.KEPT),
    Place("gate/", "the validation report of each batch, values masked", True, Kind.KEPT),
    Place("memory/", "the copy of memory and of the ledger, with the keys of identity", True, Kind.KEPT),
    Place("audit.jsonl*", "who did what, until the next run takes it into the ledger", False, Kind.KEPT),
    Place(
        "published/",
        "what readers see: marts, operations, reports, pages of customers, validation reports, past days",
        True,
        Kind.BUILT,
        True,
    ),
    Place("published_*", "what the readers of a profile see, contact data among it", True, Kind.BUILT),
    Place("dbt/", "models as dbt compiled them, and its logs", True, Kind.BUILT),
    Place("dagster/", "Dagster's runs and events", True, Kind.PASSING),
    Place("lake/", "tables on their way between DuckDB and Spark", True, Kind.PASSING),
    Place("scratch/", "what a run needs meanwhile", True, Kind.PASSING),
    Place("spill/", "what DuckDB cannot keep in memory", True, Kind.PASSING),
    Place("upgrade/", "the second warehouse of an upgrade", True, Kind.PASSING),
    Place(
        "forget/",
        "the warehouse that takes the old one's place without the forgotten or the expired",
        True,
        Kind.PASSING,
    ),
    Place("forgotten/", "the proof of each erasure and expiry: where was looked, and what was found", False, Kind.KEPT),
    Place(
        "audiences/",
        "whom campaigns are for, written out for who sends them; until somebody removes it",
        True,
        Kind.PASSING,
    ),
    Place(
        "actions/",
        "the lists of managers, with how to reach customers; until somebody removes them",
        True,
        Kind.PASSING,
    ),
    Place("rebuild/", "the warehouse that a rebuild makes", True, Kind.PASSING),
    Place("before_upgrade/", "the files from before an upgrade, until somebody removes them", True, Kind.PASSING),
    Place("lock", "who holds the company's lock", False, Kind.PASSING),
)

#: `schema.table`, or `schema.*`
TABLES: tuple[Place, ...] = (
    Place("raw.*", "every version of every row as delivered", True, Kind.KEPT),
    Place("ledger.quarantined_rows", "rows that did not fit, with their values", True, Kind.KEPT),
    Place("ledger.load_checks", "what each gate found, examples masked", True, Kind.KEPT),
    Place("ledger.load_files", "the delivered files by name and content", False, Kind.KEPT),
    Place("ledger.seen_files", "what lay in the inbox, by path", False, Kind.KEPT),
    Place("ledger.loads", "the batches and their verdicts", False, Kind.KEPT),
    Place("ledger.load_amounts", "rows and money by batch and month", False, Kind.KEPT),
    Place("ledger.runs", "every run and how it ended", False, Kind.KEPT),
    Place("ledger.tombstones", "who was forgotten, by keyed hashes", False, Kind.KEPT),
    Place("ledger.expiries", "up to when facts and personal values expired", False, Kind.KEPT),
    Place("ledger.expired_amounts", "what expired facts came to, by record and month", True, Kind.KEPT),
    Place("ledger.expired_points", "the points that expired movements came to, by record and month", True, Kind.KEPT),
    Place("ledger.audit", "who did what, by the system's user", False, Kind.KEPT),
    Place("ledger.secret", "a check value of the secret", False, Kind.KEPT),
    Place("ledger.renewals", "what was renewed of an earlier version", False, Kind.KEPT),
    Place("ledger.schema_version", "the versions of the layout", False, Kind.KEPT),
    Place("memory.*", "ids, keyed hashes and their keys", True, Kind.KEPT),
    Place("run.*", "instants and settings of the last run, what its build saw", False, Kind.BUILT),
    Place("identity.*", "cleaned values of records and the evidence between them", True, Kind.BUILT),
    Place("forecast.*", "what was forecast of customers in the last build", True, Kind.BUILT),
    *(
        Place(f"{schema}.*", "built by dbt from raw and memory", True, Kind.BUILT)
        for schema in (
            "staging", "intermediate", "customer", "value", "retention", "segment", "relationship", "objective", "quality",
            "operations", "custom",
        )
    ),
)  # fmt: skip

#: the schemas of the warehouse
SCHEMAS = tuple(dict.fromkeys(place.pattern.partition(".")[0] for place in TABLES))

#: beside the data folder, where `engine.kind` is `ducklake`: a forgetting and an expiry empty all three
OUTSIDE: tuple[Place, ...] = (
    Place("engine.lake", "the lake's files: batches as loaded, and what the models made of them", True, Kind.BUILT),
    Place("engine.connection_env", "the lake's catalogue: lowest and highest values of each column", True, Kind.BUILT),
    Place("engine.snapshot_days", "earlier states of the lake, in files and catalogue", True, Kind.BUILT),
)


def place_of(path: PurePosixPath | str) -> Place | None:
    """The place of a path relative to the data folder; None where it is not registered."""
    text = str(path)
    for place in PATHS:
        if text.startswith(place.pattern) if place.pattern.endswith("/") else fnmatchcase(text, place.pattern):
            return place
    return None


def place_of_table(schema: str, table: str) -> Place | None:
    """The place of a table of the warehouse; None where it is not registered."""
    return next((place for place in TABLES if fnmatchcase(f"{schema}.{table}", place.pattern)), None)


def files_of(data: Path) -> Iterator[tuple[Path, Place | None]]:
    """Every file of the data folder that is no link, with its place."""
    for path in sorted(data.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path, place_of(path.relative_to(data).as_posix())
