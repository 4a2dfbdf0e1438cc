"""Where pages lie in `published/`, and how one is put in its place: in one step, readable for those who may read its folder."""

import os
from pathlib import Path

from clientela.file_modes import share

REPORT_FILE, INDEX_FILE, CATALOGUE_FILE = "report.html", "index.html", "catalogue.html"
#: folders of published/: earlier reports, the newest among them; pages of batches; pages of single customers
REPORTS, GATE, CUSTOMERS = "reports", "gate", "customers"


def replace_text(path: Path, text: str) -> None:
    """Put a page in its place in one step."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_text(text, encoding="utf-8")
        share(aside)
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
