"""The report of one published file: every part that can be made is made, and one that fails takes no other with it."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb

from clientela.config.company import Config
from clientela.report import published as files
from clientela.report.catalogue import Texts
from clientela.report.page import Head, Tile, render
from clientela.report.published import PublishedFile, Row
from clientela.report.sections.business import shown_month
from clientela.report.sections.registry import PARTS
from clientela.report.sections.section import Missing, Night, Part, Section


@dataclass(frozen=True)
class Made:
    """A report, and what of it could not be made, in sentences for whoever runs the night."""

    html: str
    run_id: str
    as_of: str
    warnings: tuple[str, ...]
    #: whose pages it leads to
    customers: tuple[int, ...] = ()


def make(config: Config, folder: Path, before: Path | None = None) -> Made:
    """The report of `folder/marts.duckdb`, against the file published `before` it."""
    with ExitStack() as stack:
        published = stack.enter_context(files.reading(files.marts_file(folder)))
        publication = published.ask("publication").first
        published.parameters["previous_run_id"] = ""
        earlier = _file_before(stack, before)
        if earlier is not None:
            published.parameters["previous_run_id"] = earlier.ask("publication").first["run_id"]
        texts = Texts(config.language, publication["currency"], config.zone)
        night = Night(published, texts, earlier, config.publish.personal_data == "full")
        made = [made for part in PARTS if (made := part_of(night, part)) is not None]
        parts = [part for part in made if isinstance(part, Section)]
        missing = [part for part in made if isinstance(part, Missing)]
        html = render(
            texts, _head(night, publication), _tiles(night), parts, missing, _not_delivered(texts, publication)
        )
        return Made(
            html, publication["run_id"], publication["as_of_on"].isoformat(), tuple(night.warnings), tuple(night.linked)
        )


def _file_before(stack: ExitStack, path: Path | None) -> PublishedFile | None:
    """The file published before; None, with nothing more said, where an older version wrote it in another shape."""
    if path is None:
        return None
    try:
        before = stack.enter_context(files.reading(path))
        for query in ("totals", "publication"):
            before.ask(query)
    except duckdb.Error:
        return None
    return before


def part_of(night: Night, part: Part, area: str | None = None) -> Section | Missing | None:
    """What the part says; None without its marts. Where it fails, that is said in its place: titles stand under `area`."""
    if not all(mart in night.published.marts for mart in part.needs):
        return None
    try:
        return part.make(night)
    except Exception as error:
        sentence = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        night.warnings.append(f"The report's part {part.key} could not be made: {sentence}")
        title = night.texts(f"{area}.{part.key}" if area else f"{part.key}.title")
        return Missing(part.key, title, night.texts("page.failed", reason=type(error).__name__))


def _head(night: Night, publication: Row) -> Head:
    texts = night.texts
    made = texts("page.made", instant=texts.instant(publication["started_at"]), currency=publication["currency"])
    return Head(
        publication["company"], publication["run_id"], texts.day(publication["as_of_on"]), made,
        texts("page.full" if night.shows_names else "page.masked"), texts("page.undrawn") if night.is_undrawn else "",
    )  # fmt: skip


def _tiles(night: Night) -> list[Tile]:
    texts = night.texts
    try:
        totals, rows = night.ask("totals").first, night.ask("monthly").rows
    except duckdb.Error:
        return []
    tiles = [
        Tile(
            texts("tile.customers"),
            texts.number(totals["customers"]),
            texts("tile.doubtful", count=totals["doubtful_customers"]),
        )
    ]
    if rows:
        at = shown_month(rows)
        detail = ""
        if at and rows[at - 1]["net_revenue"]:
            change = float(rows[at]["net_revenue"] / rows[at - 1]["net_revenue"]) - 1
            key = "monthly.more" if change >= 0 else "monthly.less"
            shown = texts(key, share=texts.share(abs(change)))
            detail = texts("tile.compared", change=shown, month=texts.month(rows[at - 1]["month"]))
        name = texts("tile.revenue", month=texts.month(rows[at]["month"]))
        tiles.append(Tile(name, texts.amount(rows[at]["net_revenue"]), detail))
    expected = totals["expected_value"]
    if expected:
        horizon = texts("tile.horizon", count=totals["horizon_months"])
        tiles.append(Tile(texts("tile.expected"), texts.amount(expected), horizon))
        if totals["value_at_risk"] is not None:
            share = texts("tile.of_expected", share=texts.share(totals["value_at_risk"] / expected, 1))
            tiles.append(Tile(texts("tile.risk"), texts.amount(totals["value_at_risk"]), share))
    return tiles


def _not_delivered(texts: Texts, publication: Row) -> list[str]:
    entities = [name for name in (publication["entities_without_source"] or "").split(", ") if name]
    if not entities:
        return []
    return [texts("missing.entities", entities=texts.listed([texts.label("entity", name) for name in entities]))]
