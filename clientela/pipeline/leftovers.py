"""What killed runs left in the data folder: half-written files, which nobody reads and nobody else removes.

Called by a run that holds the company's lock, so that nothing of what is removed can be another's who still works on it.
What a killed run left in the warehouse is in `clientela.load`.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import duckdb

from clientela.config.company import Config

_ASIDE = (
    "published/.operations.*",
    "published/.marts.duckdb.*",
    "published/.status.json.*",
    "published/memory/.*.parquet",
    "published/as_of/*/.marts.duckdb.*",
    "published/.*.html.*",
    "published/gate/.*.html.*",
    "published/reports/.*.html.*",
    "published/as_of/*/.*.html.*",
    "published/as_of/*/reports/.*.html.*",
    "landing/*/*/.*.part",
    "dbt/packages/*/.models.*",
    "dbt/packages/*/.dbt_project.yml.*",
    "memory/.*",
    "upgrade",
    "rebuild",
    "forget",
    "lake/*",
    "scratch/*",
    "spill/*",
)


def remove_leftovers(config: Config) -> list[Path]:
    """Remove them; gives what went. What cannot be removed is left: it harms nobody."""
    gone = []
    for path in [*_aside(config), *_half_published(config), *_passing(config)]:
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            gone.append(path)
    return gone


def _aside(config: Config) -> Iterator[Path]:
    for pattern in _ASIDE:
        yield from config.data.glob(pattern)


def _passing(config: Config) -> Iterator[Path]:
    """The lake, where it is of one run; DuckLake's stays."""
    if config.engine.kind != "ducklake" and config.lake.exists():
        yield config.lake


def _half_published(config: Config) -> Iterator[Path]:
    """Versions that were not written to their end, and logs beside versions, which only an unfinished one has."""
    for versions in (config.published / "versions", *config.published.glob("as_of/*/versions")):
        published = versions.parent / "marts.duckdb"
        newest = published.stat().st_mtime_ns if published.is_file() else 0
        for path in versions.glob("marts_*.duckdb"):
            if path.stat().st_mtime_ns > newest and not _is_whole(path):
                yield path
        yield from versions.glob("*.wal")


def _is_whole(path: Path) -> bool:
    if path.with_name(f"{path.name}.wal").exists():
        return False
    try:
        with duckdb.connect(str(path), read_only=True) as version:
            # one that began as a copy and went no further says that it is another run's
            named = version.execute("select run_id from operations.publication").fetchall()
            return [path.stem] == [f"marts_{run_id}" for (run_id,) in named]
    except duckdb.Error:
        return False
