"""Where the report goes: beside the published file, with those before it in `reports/`, each in one step.

What fails is told in sentences, never raised: no report is a reason to hold back or take back what is published.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.file_modes import make_shared_folder
from clientela.report.customer.page import write_named
from clientela.report.page import mark_of
from clientela.report.places import CUSTOMERS, GATE, INDEX_FILE, REPORT_FILE, REPORTS, replace_text
from clientela.report.published import file_before, marts_file, run_of
from clientela.report.report import make

#: places of published/ that pages of it lead to
_LINKS = (f'href="{INDEX_FILE}"', f'href="{REPORT_FILE}"', f'href="{GATE}/')

_TO_A_CUSTOMER = re.compile(rf'<a href="{CUSTOMERS}/\d+\.html">(.*?)</a>')


@dataclass(frozen=True)
class Written:
    """The report's path, if it was written, and what went wrong, in sentences."""

    path: Path | None
    warnings: tuple[str, ...] = ()


def write_report(config: Config, folder: Path | None = None) -> Written:
    """Write the report of the published file in `folder` (by default the newest), and keep the ones before."""
    folder = folder or config.published
    try:
        before = file_before(folder, run_of(marts_file(folder)))
        made = make(config, folder, before)
        inside = "../" * len(folder.relative_to(config.published).parts)
        past = folder / REPORTS
        make_shared_folder(past)
        replace_text(past / f"{made.as_of}_{made.run_id}.html", _moved(made.html, f"{inside}../"))
        path = folder / REPORT_FILE
        replace_text(path, _moved(made.html, inside))
        for old in sorted(past.glob("*.html"), key=lambda file: file.stat().st_mtime)[: -config.publish.keep]:
            old.unlink()
        warnings = write_named(config, made.customers) if folder == config.published else []
    except Exception as error:
        return Written(None, (f"The report could not be written: {_sentence(error)}",))
    return Written(path, (*made.warnings, *warnings))


def is_current(config: Config) -> bool:
    """Whether the report is of the published file, in the company's language; true where nothing is published."""
    published = marts_file(config.published)
    if not published.is_file():
        return True
    with suppress(Exception), (config.published / REPORT_FILE).open(encoding="utf-8") as report:
        mark = mark_of(config.language, run_of(published))
        return report.read(len(mark)) == mark
    return False


def _moved(html: str, up: str) -> str:
    """The page with its links as they are from a folder further down; a customer's page lasts no longer than the night."""
    if not up:
        return html
    for link in _LINKS:
        html = html.replace(link, link.replace('href="', f'href="{up}'))
    return _TO_A_CUSTOMER.sub(r"\1", html)


def _sentence(error: Exception) -> str:
    if isinstance(error, ClientelaError):
        return error.sentence
    return (str(error).splitlines() or [""])[0][:300] or type(error).__name__
