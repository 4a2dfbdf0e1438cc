"""One customer's page, made of what is published and put into `published/customers/`.

The night makes the pages of whom its report names, where `publish: {personal_data: full}` lets it; `clientela explain customer N
--html` makes one at any time. A page of a customer whom the next report does not name goes with the next night.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import duckdb

from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.file_modes import closed, make_shared_folder
from clientela.report import published as files
from clientela.report.catalogue import Texts
from clientela.report.customer import dealings, who, worth
from clientela.report.page import Head, Tile, render_customer
from clientela.report.places import CUSTOMERS, replace_text
from clientela.report.published import PublishedFile, Row
from clientela.report.report import part_of
from clientela.report.sections.section import Missing, Night, Part, Section
from clientela.warehouse.faults import damaged

PARTS = (
    Part("who", ("customer.customers", "customer.customer_records", "quality.identity_links"), who.who),
    Part(
        "state",
        ("retention.customer_retention", "segment.customer_segments", "segment.customer_engagement"),
        dealings.state,
    ),
    Part("worth", ("value.customer_value", "value.value_ledger", "value.customer_months"), worth.worth),
    Part("outlook", ("value.customer_value", "quality.value_model_scores"), worth.outlook),
    Part("timeline", ("customer.customer_timeline",), dealings.timeline),
    Part("permissions", ("relationship.contact_permissions",), dealings.permissions),
    Part("campaigns", ("relationship.campaign_contacts", "relationship.campaigns"), dealings.campaigns),
    Part("offers", ("relationship.customer_offers",), dealings.offers),
)


def write_customer(config: Config, customer_id: int) -> Path:
    """Write the page of one customer of the published file; gives its path. Raises ClientelaError for one unknown."""
    path = config.published / CUSTOMERS / f"{customer_id}.html"
    marts = files.marts_file(config.published)
    if not marts.is_file():
        raise ClientelaError(f"Nothing is published yet at {marts}; `clientela run` does.")
    try:
        with files.reading(marts) as published:
            html = make(config, published, customer_id)
    except duckdb.Error as error:
        raise ClientelaError(damaged(marts, error, "`clientela publish` writes it anew.")) from error
    with closed(config):
        make_shared_folder(path.parent)
        replace_text(path, html)
    return path


def write_named(config: Config, customer_ids: Iterable[int]) -> list[str]:
    """Make `published/customers/` hold the pages of these customers and no others; gives what went wrong, in sentences."""
    folder = config.published / CUSTOMERS
    wanted = list(dict.fromkeys(customer_ids))
    for page in folder.glob("*.html") if folder.is_dir() else ():
        if page.stem not in {str(customer_id) for customer_id in wanted}:
            page.unlink(missing_ok=True)
    if not wanted:
        with suppress(OSError):
            folder.rmdir()
        return []
    make_shared_folder(folder)
    warnings = []
    with files.reading(files.marts_file(config.published)) as published:
        for customer_id in wanted:
            try:
                replace_text(folder / f"{customer_id}.html", make(config, published, customer_id))
            except Exception as error:
                warnings.append(f"The page of customer {customer_id} could not be written: {type(error).__name__}")
    return warnings


def make(config: Config, published: PublishedFile, customer_id: int) -> str:
    """The page as HTML. Raises ClientelaError for a customer whom the published file does not know, and for customer 0."""
    if customer_id == 0:
        raise ClientelaError("Customer 0 holds what nobody can be named for: there is no page of them.")
    publication = published.ask("publication").first
    texts = Texts(config.language, publication["currency"], config.zone)
    published.parameters["customer_id"] = str(customer_id)
    known = published.ask("customer_now")
    if not known.rows:
        raise ClientelaError(f"There is no customer {customer_id} in the published marts.")
    note = ""
    today = known.first["current_customer_id"]
    if today is not None and today != customer_id:
        merged_on = known.first["retired_on"]
        note = texts("customer.merged", number=str(customer_id), today=str(today), day=texts.day(merged_on))
        published.parameters["customer_id"] = str(today)
    night = Night(published, texts, shows_names=config.publish.personal_data == "full")
    found = [part for wanted in PARTS if (part := part_of(night, wanted, "customer")) is not None]
    return render_customer(
        texts,
        _head(night, publication, int(today or customer_id), note),
        _tiles(night),
        [part for part in found if isinstance(part, Section)],
        [part for part in found if isinstance(part, Missing)],
    )


def _head(night: Night, publication: Row, customer_id: int, note: str) -> Head:
    texts = night.texts
    person = night.ask("customer_who")
    name = who.name_of(person.first) if night.shows_names and person.rows else ""
    number = texts("customer.number", number=str(customer_id))
    made = texts("page.made", instant=texts.instant(publication["started_at"]), currency=publication["currency"])
    return Head(
        publication["company"], publication["run_id"], texts.day(publication["as_of_on"]), made,
        texts("page.full" if night.shows_names else "page.masked"), note, title=number,
        heading=f"{name} · {number}" if name else number,
    )  # fmt: skip


def _tiles(night: Night) -> list[Tile]:
    texts = night.texts
    value, state = night.ask("customer_worth"), night.ask("customer_state")
    if not value.rows:
        return []
    row, tiles = value.first, []
    tiles.append(Tile(texts("customer.total"), texts.amount(row["vin"]), texts("customer.total_detail")))
    last = texts.day(row["last_ordered_on"]) if row["last_ordered_on"] else texts("label.none")
    realised = texts("customer.realised_detail", count=row["orders"], day=last)
    tiles.append(Tile(texts("customer.realised"), texts.amount(row["realised_value"]), realised))
    if row["expected_value"] is not None:
        horizon = texts("tile.horizon", count=row["horizon_months"])
        tiles.append(Tile(texts("customer.expected"), texts.amount(row["expected_value"]), horizon))
    if state.rows:
        row, detail = state.first, ""
        if row["churn_probability"] is not None:
            key = "customer.no_contract" if row["churn_model"] == "contract" else "customer.no_order"
            months = texts.number(row["churn_horizon_months"])
            detail = texts(key, share=texts.share(row["churn_probability"]), months=months)
        tiles.append(Tile(texts("customer.state_tile"), texts.label("state", row["state"]), detail))
    return tiles
