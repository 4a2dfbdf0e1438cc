"""The parsed dbt project, kept between runs of all companies of a user: parsing it costs seconds, reading it a fraction.

What is parsed depends on the code alone, never on a company, so that one file serves them all. It lies in the user's
cache folder, which may be emptied at any time: without it, or where it cannot be read, dbt parses. Its text runs in the
warehouse, so that a file which others could have written is not read.
"""

import hashlib
import os
import platform
import stat
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from clientela.project_files import PROJECT, code_version

#: files kept: of a few versions and checkouts, for either target
KEPT = 6


def path(target: str) -> Path:
    """Where the project is kept as parsed for a target of dbt/profiles.yml by this code and these libraries."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    made_by = (
        code_version(),
        version("dbt-core"),
        version("dbt-duckdb"),
        platform.python_version(),
        str(PROJECT),
        target,
    )
    return folder / "clientela" / f"models-{hashlib.sha256('|'.join(made_by).encode()).hexdigest()[:16]}.msgpack"


def read(target: str) -> Any:
    """dbt's manifest, or None if it is not kept, belongs to somebody else or cannot be read."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    kept = path(target)
    try:
        with kept.open("rb") as file:
            for state in (os.fstat(file.fileno()), kept.parent.stat()):
                if state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) & 0o022:
                    return None
            return Manifest.from_msgpack(file.read(), decoder=extended_mashumuro_decoder)
    except Exception:  # what another version of dbt, or a crash, left there is as good as nothing
        return None


def keep(target: str, manifest: Any) -> None:
    """Keep a manifest for the next run, in one step. A folder that cannot be written is no mistake of the run's."""
    from dbt.parser.manifest import extended_mashumaro_encoder

    kept = path(target)
    aside = kept.with_suffix(f".{os.getpid()}")
    try:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(manifest.to_msgpack(extended_mashumaro_encoder))
        os.replace(aside, kept)
        for old in sorted(kept.parent.glob("models-*"), key=lambda found: found.stat().st_mtime_ns)[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        with suppress(OSError):
            aside.unlink()
