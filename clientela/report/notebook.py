"""A notebook as one HTML file that opens anywhere: its texts, its pictures as SVG, its answers as tables, its queries folded.

marimo's own export loads a program of 28 MB from a network when it is opened; this page fetches nothing and runs nothing. What a
notebook asks and says stands in `notebooks/`.
"""

import ast
import importlib.util
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
from markupsafe import Markup

from clientela.config.company import CONFIG_VARIABLE, Config
from clientela.errors import ConfigError
from clientela.extras import require_extra
from clientela.project_files import PROJECT
from clientela.report import charts
from clientela.report.catalogue import Texts
from clientela.report.page import ENVIRONMENT, style
from clientela.report.sections.section import Cell, Table
from clientela.wording import did_you_mean

NOTEBOOKS = PROJECT / "notebooks"
#: rows of an answer that the page shows
SHOWN = 100


def names() -> list[str]:
    """The notebooks that there are."""
    return sorted(path.stem for path in NOTEBOOKS.glob("*.py"))


def run_notebook(config: Config, path: Path) -> tuple[Sequence[Any], dict[str, Any]]:
    """What each cell shows, in order, and what the cells define, run on that company's published file."""
    require_extra("notebooks", "A notebook", "marimo")
    with _company(config):
        outputs, defined = _loaded(path).app.run()
    return outputs, dict(defined)


def notebook_page(config: Config, name: str) -> str:
    """The notebook as HTML. Raises ConfigError where there is none of that name."""
    if name not in names():
        raise ConfigError(
            f"There is no notebook {name!r}{did_you_mean(name, names())}; there are: {', '.join(names())}."
        )
    path = NOTEBOOKS / f"{name}.py"
    outputs, _ = run_notebook(config, path)
    texts = Texts("en", config.currency, config.zone)
    shown = [piece for output in outputs if (piece := _piece(texts, output)) is not None]
    return ENVIRONMENT.get_template("notebook.html.j2").render(
        t=texts,
        company=config.company,
        title=name.replace("_", " "),
        pieces=shown,
        queries=queries(path),
        style=style(),
    )


def queries(path: Path) -> list[str]:
    """The queries of a notebook, as they stand in it."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    texts = [
        call.args[0].value
        for call in sorted(calls, key=lambda call: call.lineno)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "query" and call.args
        and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    ]  # fmt: skip
    return [_dedented(text) for text in texts]


def _dedented(text: str) -> str:
    lines = text.strip("\n").rstrip().splitlines()
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[margin:] for line in lines)


@contextmanager
def _company(config: Config) -> Iterator[None]:
    """While it lasts, a notebook opens this company."""
    before = os.environ.get(CONFIG_VARIABLE)
    os.environ[CONFIG_VARIABLE] = str(config.path)
    try:
        yield
    finally:
        os.environ.pop(CONFIG_VARIABLE)
        if before is not None:
            os.environ[CONFIG_VARIABLE] = before


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"notebook_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _piece(texts: Texts, output: Any) -> Table | Markup | None:
    """What a cell shows, ready for the page; None for what only an open notebook can show, as a field to type in."""
    if isinstance(output, pl.DataFrame):
        return _table(texts, output)
    if (hasattr(output, "to_dict") and hasattr(output, "mark")) or type(output).__module__.startswith("altair."):
        return Markup(charts.still(output, texts))
    # Markdown is rendered by marimo, of the notebook's own text
    if type(output).__name__ == "_md":
        return Markup(output.text)
    return None


def _table(texts: Texts, frame: pl.DataFrame) -> Table:
    caption = f"{frame.height:,} rows" if frame.height != 1 else "1 row"
    if frame.height > SHOWN:
        caption = f"The first {SHOWN} of {caption}"
    numbers = [place for place, kind in enumerate(frame.dtypes) if kind.is_numeric()]
    rows = [[Cell(_cell(texts, value)) for value in row] for row in frame.head(SHOWN).iter_rows()]
    return Table(caption, frame.columns, rows, numbers=numbers)


def _cell(texts: Texts, value: Any) -> str:
    if value is None:
        return texts("label.none")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (float, Decimal)):
        return texts.number(value, 2 if value == 0 or abs(float(value)) >= 1 else 3)
    if isinstance(value, datetime):
        return texts.instant(value)
    return value.isoformat() if isinstance(value, date) else str(value)
