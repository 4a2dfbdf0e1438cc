"""Who the customer is, and why these records are one."""

from collections.abc import Sequence
from datetime import date

from clientela.report.published import Row
from clientela.report.sections.section import Missing, Night, Section, Table, cells

#: what is known of a person, in the order in which a form has it; shown only where names may be
PERSONAL = (
    "full_name", "given_name", "family_name", "company_name", "email", "phone", "tax_id", "loyalty_id", "birth_date",
    "street", "postal_code", "city",
)  # fmt: skip
OTHERS = ("region", "country", "age_band", "language", "acquisition_channel", "first_seen_on", "last_seen_on")
#: what stands before the reason for which a pair that spoke for itself was not joined
_WOULD_JOIN = "it would join "


def name_of(row: Row) -> str:
    """How the customer is called; empty where no name is known."""
    whole = " ".join(part for part in (row.get("given_name"), row.get("family_name")) if part)
    return str(row.get("full_name") or whole or row.get("company_name") or "")


def who(night: Night) -> Section | Missing:
    """Golden values, the records they came from, and who nearly was the same."""
    texts = night.texts
    answers = [night.ask(f"customer_{name}") for name in ("who", "records", "near")]
    person, records, near = answers[0].first, answers[1].rows, answers[2].rows
    sources = list(dict.fromkeys(row["source"] for row in records))
    sentences = [texts("customer.records", count=len(records), sources=texts.listed(sources))]
    if person["withheld_reason"]:
        sentences.append(texts("customer.withheld", reason=texts.label("ground", person["withheld_reason"])))
    if near:
        sentences.append(texts("customer.near", count=len(near)))
    shown = (*(PERSONAL if night.shows_names else ()), *OTHERS)
    known = [(name, person[name]) for name in shown if person.get(name) not in (None, "")]
    rows = [cells(texts.label("field", name), _shown(night, name, value)) for name, value in known]
    tables = (
        [Table(texts("customer.known"), [texts("customer.field"), texts("customer.value")], rows, layout="cards")]
        if rows
        else []
    )
    if records:
        tables.append(_records(night, records))
    folded = [_near(night, near)] if near else []
    notes = [] if night.shows_names else [texts("customer.masked")]
    title = texts("customer.who")
    return Section(
        "who", title, sentences, tables=tables, folded_tables=folded, notes=notes, queries=[a.query for a in answers]
    )


def _shown(night: Night, name: str, value: object) -> str:
    if isinstance(value, date):
        return night.texts.day(value)
    return night.texts.label("channel", value) if name == "acquisition_channel" else str(value)


def _records(night: Night, records: Sequence[Row]) -> Table:
    texts = night.texts
    return Table(
        texts("customer.why_one"),
        [texts(f"customer.{name}") for name in ("source", "key", "because", "weight", "since")],
        [
            cells(
                row["source"],
                row["customer_key"],
                texts.label("link", row["rule"]),
                texts.number(row["match_weight"], 1),
                texts.day(row["first_seen_on"]) if row["first_seen_on"] else texts("label.none"),
            )
            for row in records
        ],
        numbers=(3,), layout="cards",
    )  # fmt: skip


def _near(night: Night, near: Sequence[Row]) -> Table:
    texts = night.texts
    return Table(
        texts("customer.near_title"),
        [texts(f"customer.{name}") for name in ("customer", "apart", "weight")],
        [
            cells(str(row["near_customer_id"]), _apart(night, row["reason"]), texts.number(row["match_weight"], 1))
            for row in near
        ],
        numbers=(2,), layout="cards",
    )  # fmt: skip


def _apart(night: Night, reason: str | None) -> str:
    """Why a near record is another customer's."""
    if reason and reason.startswith(_WOULD_JOIN):
        return night.texts("customer.would_join", reason=night.texts.label("apart", reason.removeprefix(_WOULD_JOIN)))
    return night.texts.label("apart", reason)
