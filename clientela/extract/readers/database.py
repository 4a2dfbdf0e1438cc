"""Databases: a table or query of one, streamed into a Parquet file that is then the delivery.

So what was delivered is what was kept, and reading it again needs no database. Only the columns that are mapped are read. The
rows are ordered by their key: the same rows give the same file. The connection comes from an environment variable, and no
sentence repeats any of it. Which rows are already known is not decided here, nor how a system is read.
"""

import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from clientela.config.company import Config
from clientela.config.sources import DatabaseSource
from clientela.errors import ConfigError, DeliveryError
from clientela.extract.column_names import missing_column, named_apart
from clientela.extract.readers.database_rows import BYTES, Database, write
from clientela.extras import require_extra
from clientela.masking import without_values

_MYSQL = re.compile(r"(mysql|mariadb)(?=:|\+pymysql:)")


@contextmanager
def opened(settings: DatabaseSource, folder: Path, decimal_style: str) -> Iterator[Database]:
    """The database, for reading only and at one instant. `folder` is where relative paths of SQLite files start.

    Raises ConfigError if its driver is not installed, DeliveryError for whatever else keeps it closed.
    """
    with connection_of(settings) as url, _connected(url, settings, folder, decimal_style) as connected:
        yield connected


@contextmanager
def connection_of(settings: DatabaseSource) -> Iterator[str]:
    """Its connection, and what the database says in the course of it as one sentence that repeats none of it.

    Raises ConfigError if its driver is not installed, DeliveryError for whatever else it says.
    """
    url = os.environ.get(settings.connection_env)
    if not url:
        raise DeliveryError(
            f"the environment variable {settings.connection_env} is not set; it holds the connection, such as "
            "postgresql://user:password@host/database, mysql://user:password@host/database or sqlite:///path/to/file.db"
        )
    secrets = _secrets(url)
    _require_driver(settings.connection_env, url)
    try:
        yield url
    except DeliveryError:
        raise
    except Exception as error:
        if not _is_of_driver(error):
            raise
        raise DeliveryError(
            f"the database of {settings.connection_env} said: {_failure(error, secrets, settings)}"
        ) from None


@contextmanager
def _connected(url: str, settings: DatabaseSource, folder: Path, decimal_style: str) -> Iterator[Database]:
    if is_sqlite(url):
        import adbc_driver_sqlite.dbapi as sqlite

        from clientela.extract.readers.adbc_database import SqliteDatabase

        path = sqlite_path(url, folder)
        if not path.is_file():
            raise DeliveryError(f"{settings.connection_env} names an SQLite file that is not there")
        with closing(sqlite.connect(f"file:{quote(str(path))}?mode=ro")) as connection:
            yield SqliteDatabase(connection, settings, decimal_style)
    elif is_postgresql(url):
        import adbc_driver_postgresql.dbapi as postgresql

        from clientela.extract.readers.adbc_database import PostgresqlDatabase

        with closing(postgresql.connect(url)) as connection:
            with closing(connection.cursor()) as cursor:
                cursor.execute("set transaction isolation level repeatable read, read only")
            yield PostgresqlDatabase(connection, settings, decimal_style)
    else:
        from clientela.extract.readers.sqlalchemy_database import SqlalchemyDatabase

        with engine_of(url, settings).connect() as connection:
            yield SqlalchemyDatabase(connection, settings, decimal_style)


def engine_of(url: str, settings: DatabaseSource) -> Any:
    """What connects through a driver that SQLAlchemy knows. Nothing of the connection is logged or kept open."""
    import sqlalchemy

    scheme = url.split(":")[0]
    if scheme in ("mysql", "mariadb"):
        url = url.replace(scheme, f"{scheme}+pymysql", 1)
    try:
        return sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    except sqlalchemy.exc.NoSuchModuleError:
        raise DeliveryError(
            f"{settings.connection_env} begins with {_shown_scheme(scheme)}://; PostgreSQL, MySQL, MariaDB and SQLite are read "
            "directly, any other system through a driver that SQLAlchemy knows and that is installed (docs/sources.md)"
        ) from None
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"The database of {settings.connection_env} needs the driver {error.name}, which is not installed."
        ) from None


def _shown_scheme(scheme: str) -> str:
    return scheme if re.fullmatch(r"[a-z0-9+_]{1,30}", scheme) else "…"


def require_drivers(config: Config) -> None:
    """Raise ConfigError if the driver of a database that the configuration names is not installed."""
    for source in config.sources.values():
        for entity in source.entities.values():
            if entity.database is not None and (url := os.environ.get(entity.database.connection_env)):
                _require_driver(entity.database.connection_env, url)


def _require_driver(connection_env: str, url: str) -> None:
    if is_sqlite(url):
        require_extra("sqlite", f"The SQLite file of {connection_env}", "adbc_driver_sqlite")
    elif is_postgresql(url):
        require_extra("postgres", f"The PostgreSQL database of {connection_env}", "adbc_driver_postgresql")
    elif _MYSQL.match(url):
        require_extra("mysql", f"The MySQL or MariaDB database of {connection_env}", "pymysql")


def sqlite_path(url: str, folder: Path) -> Path:
    """The file that the connection names. `folder` is where relative paths start."""
    return (folder / re.sub(r"^sqlite:(///)?", "", url)).resolve()


def is_sqlite(url: str) -> bool:
    """Whether the connection names an SQLite file."""
    return url.startswith("sqlite:") or not re.match(r"[a-z0-9_+]+://|.*\b(host|dbname|service)=", url)


def is_postgresql(url: str) -> bool:
    """Whether the connection names a PostgreSQL server."""
    return not is_sqlite(url) and (re.match(r"postgres(ql)?://", url) is not None or "://" not in url)


def _is_of_driver(error: Exception) -> bool:
    """Whether a driver, its server or SQLAlchemy failed; between two batches ADBC's failures are Arrow's."""
    if isinstance(error, OSError):
        return re.match(r"\[(libpq|SQLite)\]", str(error)) is not None
    modules = ("adbc_driver_manager", "sqlalchemy.exc", "pymysql")
    return any(kind.__module__.startswith(modules) for kind in type(error).__mro__)


def _secrets(url: str) -> tuple[str, ...]:
    """The parts of a connection that may be secret, longest first: a driver may repeat any piece of what it cannot read."""
    pieces = {url, *re.split(r"[/@:?&=\s]+", url)}
    pieces |= {unquote(piece) for piece in pieces}
    allowed = {
        "postgresql", "postgres", "sqlite", "mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql", "host", "dbname", "user",
        "password", "port", "localhost",
    }  # fmt: skip
    return tuple(sorted((p for p in pieces if len(p) > 2 and p.lower() not in allowed), key=len, reverse=True))


def _failure(error: Exception, secrets: Sequence[str], settings: DatabaseSource) -> str:
    """What the database said, without the connection and without what it quotes but for words of the configuration."""
    cause = getattr(error, "orig", None) or error
    # PyMySQL's errors are a number and a sentence
    said = cause.args[1] if len(cause.args) == 2 and isinstance(cause.args[0], int) else cause
    lines = [line.strip() for line in str(said).splitlines() if line.strip()]
    sentence = " ".join(lines[:2])
    for secret in secrets:
        sentence = sentence.replace(secret, "…")
    named = " ".join((settings.table or "", settings.query or "", settings.watermark or ""))
    words = {*(settings.table or "").split(), *re.findall(r"\w+", named)}
    return without_values(sentence, lambda piece: piece in words or piece.removeprefix("….") in words)


def fetch(
    database: Database, key: Sequence[str], since: object, into: Path, wanted: Collection[str] | None = None
) -> int:
    """Write the rows whose watermark is `since` or higher, or not set, into a Parquet file; gives how many.

    `wanted`: the columns to read, all but those of bytes where None. Raises DeliveryError for one that is not there.
    """
    found = database.columns()
    names, repeated = named_apart([name for name, _ in found])
    kinds = {name: kind for (name, kind), apart in zip(found, names, strict=True) if name == apart}
    by_lower = {name.lower(): name for name in kinds}
    watermark = database.settings.watermark
    if watermark is not None and watermark.lower() not in by_lower:
        fault = repeated.get(watermark.lower()) or missing_column(watermark, list(kinds), key)
        raise DeliveryError(f"{database.name}, where its watermark should be, has {fault}")
    for name in wanted or ():
        if name.lower() not in by_lower:
            fault = repeated.get(name.lower()) or missing_column(name, list(kinds), [*(wanted or ())])
            raise DeliveryError(f"{database.name} has {fault}")
    if wanted is None:
        chosen = [name for name, kind in kinds.items() if kind != BYTES]
    else:
        asked = {name.lower() for name in (*wanted, *key, *([watermark] if watermark else []))}
        chosen = [name for name in kinds if name.lower() in asked]
    if not chosen:
        raise DeliveryError(f"{database.name} has no column that can be read; it has {len(found)}")
    rest = ""
    if watermark is None or since is None:
        since = None
    else:
        rest = database.newer(by_lower[watermark.lower()], since)
    if order := [by_lower[name.lower()] for name in key if name.lower() in by_lower]:
        rest += f" order by {', '.join(database.quoted(name) for name in order)}"
    schema, batches = database.read({name: kinds[name] for name in chosen}, rest, since)
    return write(schema, batches, into)
