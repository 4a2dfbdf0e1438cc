"""After a publication without the forgotten, nothing that was published before it stays."""

import os
from pathlib import Path

from clientela.privacy.forget import clean_published
from tests.conftest import Company

BEFORE = (
    "versions/marts_old.duckdb", "as_of/2026-01-31/marts.duckdb", "reports/2026-01-31_old.html", "customers/17.html",
    "anything/else.html", "list.csv",
)  # fmt: skip
#: masked, or written anew at the end of every run
STAYS = ("gate/000001-till.html", "operations.duckdb", "index.html", "status.json")
NEW = ("versions/marts_new.duckdb", "marts.duckdb", "report.html")


def test_whatever_was_published_before_goes(shop: Company) -> None:
    published = shop.config.published
    for name in (*BEFORE, *STAYS, *NEW):
        path = published / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("Ana Gil", encoding="utf-8")
        os.utime(path, (1_000, 1_000) if name not in NEW else (2_000, 2_000))
    (shop.config.data / "published_gone").mkdir()
    clean_published(shop.config, "new")
    left = {path.relative_to(published).as_posix() for path in Path(published).rglob("*") if path.is_file()}
    assert left == {*STAYS, *NEW} and not (shop.config.data / "published_gone").exists()
