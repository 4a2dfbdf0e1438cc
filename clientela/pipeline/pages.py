"""The pages of what is published, written again without a run: for another language, or a report that failed.

What they say stands in `clientela.report`; in a run they are written by its own steps.
"""

from dataclasses import replace
from datetime import date

from clientela import file_modes
from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.publish import MARTS_FILE
from clientela.report.index import write_index
from clientela.report.lineage import write_catalogue
from clientela.report.write import Written, write_report
from clientela.warehouse.faults import first_line
from clientela.warehouse.lock import hold_lock


def write_pages(config: Config, as_of: date | None = None) -> Written:
    """Write the report of the published file, or of a past day's, and the index.

    Raises RunningError while a run is under way, and ClientelaError where nothing is published.
    """
    folder = config.published / "as_of" / as_of.isoformat() if as_of else config.published
    if not (folder / MARTS_FILE).is_file():
        command = f"run --as-of {as_of}" if as_of else "run"
        raise ClientelaError(f"Nothing is published yet at {folder / MARTS_FILE}; `clientela {command}` does.")
    with file_modes.closed(config), hold_lock(config.data, "Report"):
        written = write_report(config, folder)
        try:
            write_catalogue(config)
            write_index(config)
        except Exception as error:
            warning = f"The index of published pages, or the catalogue, could not be written: {first_line(error)}"
            return replace(written, warnings=(*written.warnings, warning))
        return written
