"""The right answers, in Parquet, for tests and for the reader's curiosity; the pipeline never reads them.

People are numbered from 1 (`person_id`); 0 stands for nobody known. Times are UTC, amounts without tax in the company's
currency unless said otherwise.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from clientela.simulate import calendar
from clientela.simulate.baskets import draw_categories, line_counts
from clientela.simulate.campaigns import CAMPAIGNS
from clientela.simulate.catalogue import CATEGORIES, CURRENCIES, month_of, month_starts
from clientela.simulate.company import Company, Sales
from clientela.simulate.files import DUPLICATE, Planted, Table, Written, expected
from clientela.simulate.records import CALL_CENTRE, LOYALTY, TILL, WEBSHOP
from clientela.simulate.settings import SimulateSettings
from clientela.simulate.streams import Ints, stream
from clientela.simulate.words import COUNTRIES, LANGUAGES, words


@dataclass(frozen=True)
class DeliveredSales:
    """What became of the lines of one system: the dirt planted in them, and the lines that one repeated file held again."""

    sales: Sales
    planted: Planted
    repeated: Ints


def write_truth(
    company: Company, record_fields: pl.DataFrame, delivered: dict[str, DeliveredSales], written: Written, out: Path
) -> None:
    """All truth tables into `out`. `record_fields`: what `fields_of` gives for each system."""
    out.mkdir(parents=True, exist_ok=True)
    files = pl.DataFrame(written.files)
    frames = {
        "records": records(company),
        "record_fields": record_fields,
        "people": people(company),
        "parameters": parameters(company.settings),
        "customers": customers(company),
        "orders": orders(company),
        "future_orders": future_orders(company),
        "future_lines": future_lines(company),
        "subscriptions": subscriptions(company),
        "campaign_effects": campaign_effects(company),
        "dirt": pl.DataFrame(written.dirt, schema=_DIRT),
        "files": files,
        "totals": totals(company, delivered),
        "rows": rows(files, written),
    }
    for name, frame in frames.items():
        frame.rechunk().write_parquet(
            out / f"{name}.parquet", compression="zstd", compression_level=1, row_group_size=250_000
        )


_DIRT = {
    "kind": pl.String, "source": pl.String, "entity": pl.String, "file": pl.String, "row": pl.Int64, "record_key": pl.String,
    "expected": pl.String,
}  # fmt: skip


def records(company: Company) -> pl.DataFrame:
    """The person of every record of every system."""
    return pl.concat(
        pl.DataFrame(
            {
                "source": pl.Series([system]).new_from_index(0, len(r.person)),
                "record_key": r.key,
                "person_id": r.person + 1,
                "household_id": company.people.household[r.person] + 1,
                "registered_at": calendar.instants(company.settings, r.registered),
            }
        )
        for system, r in company.records.items()
    )


#: the customers' columns of each system, by the contract's names
_FIELDS: dict[str, dict[str, str]] = {
    TILL: {
        "id_cliente": "record_key",
        "nombre": "given_name",
        "apellidos": "family_name",
        "razon_social": "company_name",
        "nif": "tax_id",
        "telefono": "phone",
        "correo": "email",
        "direccion": "street",
        "cp": "postal_code",
        "poblacion": "city",
        "pais": "country",
        "tarjeta": "loyalty_id",
    },
    WEBSHOP: {
        "user_id": "record_key",
        "first_name": "given_name",
        "last_name": "family_name",
        "company": "company_name",
        "vat_id": "tax_id",
        "phone": "phone",
        "email": "email",
        "address": "street",
        "zip": "postal_code",
        "city": "city",
        "country": "country",
        "loyalty_card": "loyalty_id",
        "birth_date": "birth_date",
    },
    CALL_CENTRE: {
        "contact_id": "record_key",
        "name": "full_name",
        "company": "company_name",
        "phone": "phone",
        "email": "email",
        "street": "street",
        "postcode": "postal_code",
        "city": "city",
        "country": "country",
    },
    LOYALTY: {
        "card": "record_key",
        "name": "given_name",
        "surname": "family_name",
        "document": "tax_id",
        "mobile": "phone",
        "e_mail": "email",
        "street": "street",
        "postcode": "postal_code",
        "town": "city",
        "country": "country",
        "birth": "birth_date",
    },
}
_FIELD_NAMES = (
    "given_name",
    "family_name",
    "full_name",
    "company_name",
    "email",
    "phone",
    "tax_id",
    "loyalty_id",
    "birth_date",
    "street",
    "postal_code",
    "city",
    "country",
)


def fields_of(table: Table) -> pl.DataFrame:
    """A system's records, last version, as it wrote them before any file was damaged, under the contract's names."""
    names, frame = _FIELDS[table.source], table.frame
    if table.source == CALL_CENTRE:
        frame = frame.unnest("reach", "address")
    frame = frame.select(pl.col(theirs).alias(ours) for theirs, ours in names.items())
    if table.source == LOYALTY:
        frame = frame.with_columns(loyalty_id=pl.col("record_key"))
        if frame.schema["birth_date"] == pl.String:
            frame = frame.with_columns(pl.col("birth_date").str.to_date("%d.%m.%Y"))
    absent = [n for n in _FIELD_NAMES if n not in frame.columns]
    return (
        frame.unique("record_key", keep="last", maintain_order=True)
        .with_columns(pl.lit(None, pl.Date if n == "birth_date" else pl.String).alias(n) for n in absent)
        .select(pl.lit(table.source).alias("source"), pl.col("record_key").cast(pl.String), *_FIELD_NAMES)
    )


def people(company: Company) -> pl.DataFrame:
    """Who they are; `kind` says what makes them hard to tell apart."""
    p = company.people
    everyone = np.arange(p.n, dtype=np.int64)
    vocabulary = words()
    second = vocabulary.family.values.gather(np.maximum(p.second_family, 0))
    return pl.DataFrame(
        {
            "person_id": everyone + 1,
            "household_id": p.household + 1,
            "kind": p.kind,
            "is_buyer": p.is_buyer,
            "given_name": vocabulary.given.values.gather(p.given),
            "family_name": p.family_name(everyone, p.family),
            "second_family_name": pl.select(pl.when(pl.Series(p.second_family >= 0)).then(second)).to_series(),
            "birth_date": pl.Series(p.birth).cast(pl.Int32).cast(pl.Date),
            "email": p.email,
            "mobile": pl.Series(p.mobile).cast(pl.String),
            "tax_id": p.tax_id,
            "country": pl.Series(COUNTRIES).gather(p.language),
            "language": pl.Series(LANGUAGES).gather(p.language),
            "web_share": p.web_share,
        }
    )


def parameters(settings: SimulateSettings) -> pl.DataFrame:
    """Every setting, by name; numbers also as numbers."""
    flat: dict[str, object] = {}
    for name, value in asdict(settings).items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": v for inner, v in value.items()}
        else:
            flat[name] = value
    flat |= {"start": settings.start, "days": settings.days, "time_zone": calendar.ZONE, "currency": CURRENCIES[0]}
    return pl.DataFrame(
        {
            "name": list(flat),
            "text": [str(v) for v in flat.values()],
            "value": [float(v) if isinstance(v, (int, float)) else None for v in flat.values()],
        },
        schema={"name": pl.String, "text": pl.String, "value": pl.Float64},
    )


def customers(company: Company) -> pl.DataFrame:
    """Each buyer's rates, whether they are alive at the cut, and what they buy in the two years after it."""
    h, settings = company.histories, company.settings
    n, cut = settings.customers, float(settings.days)
    future = h.at >= cut
    in_first_year = future & (h.at < cut + 365)

    def sums(mask: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        return np.bincount(h.buyer[mask], weights=None if weights is None else weights[mask], minlength=n)

    return pl.DataFrame(
        {
            "person_id": company.buyers + 1,
            "acquired_at": calendar.instants(settings, h.acquired),
            "died_at": calendar.instants(settings, np.where(np.isfinite(h.died), h.died, np.nan)),
            "is_alive": h.died >= cut,
            "orders_per_week": h.rate,
            "dropout": h.dropout,
            "mean_order_net": h.mean_spend,
            "orders_in_process": sums(h.at < cut),
            "future_orders_12m": sums(in_first_year),
            "future_orders_24m": sums(future),
            "future_net_12m": np.round(sums(in_first_year, h.amount), 4),
            "future_net_24m": np.round(sums(future, h.amount), 4),
        }
    )


def orders(company: Company) -> pl.DataFrame:
    """Every order that happened, whatever became of its lines on the way; returns are orders of their own."""
    return pl.concat(
        _orders(company, system, sales) for system, sales in ((TILL, company.till), (WEBSHOP, company.webshop))
    )


def _orders(company: Company, system: str, sales: Sales) -> pl.DataFrame:
    o, lines = sales.orders, sales.lines
    first = np.flatnonzero(lines.number == 1)
    codes = pl.Series([None, *(c.key for c in CAMPAIGNS)], dtype=pl.String)
    net, cost = (
        np.add.reduceat(values, first) if len(first) else values for values in (lines.company_net, lines.company_cost)
    )
    return pl.DataFrame(
        {
            "source": pl.Series([system]).new_from_index(0, len(o.at)),
            "order_key": pl.Series(sales.keys).cast(pl.String),
            "person_id": o.person + 1,
            "ordered_at": calendar.instants(company.settings, calendar.opening_hours(o.at) if system == TILL else o.at),
            "ordered_on": calendar.dates(company.settings, o.at),
            "net_cents": net,
            "cost_cents": cost,
            "is_return": o.returns >= 0,
            "is_subscription": o.plan >= 0,
            "caused_by": codes.gather(o.cause + 1),
        }
    )


def future_orders(company: Company) -> pl.DataFrame:
    """What the process lets each buyer order after the cut."""
    h = company.histories
    later = np.flatnonzero(h.at >= company.settings.days)
    return pl.DataFrame(
        {
            "person_id": company.buyers[h.buyer[later]] + 1,
            "ordered_on": calendar.dates(company.settings, h.at[later]),
            "net": np.round(h.amount[later], 4),
        }
    )


def future_lines(company: Company) -> pl.DataFrame:
    """What each buyer puts into those orders, a row per line."""
    h, rng = company.histories, stream(company.settings.seed, "future lines")
    later = np.flatnonzero(h.at >= company.settings.days)
    order = np.repeat(later, line_counts(len(later), rng))
    person = company.buyers[h.buyer[order]]
    names = pl.Series([name for name, *_ in CATEGORIES])
    return pl.DataFrame(
        {
            "person_id": person + 1,
            "ordered_on": calendar.dates(company.settings, h.at[order]),
            "category": names.gather(draw_categories(company.favourite[person], rng)),
        }
    )


def subscriptions(company: Company) -> pl.DataFrame:
    """Each contract's true churn and end, after the cut too."""
    s, settings = company.subscriptions, company.settings
    return pl.DataFrame(
        {
            "contract_key": "S" + pl.Series(np.arange(len(s.member)) + 1).cast(pl.String).str.zfill(6),
            "person_id": company.memberships[WEBSHOP].person[s.member] + 1,
            "monthly_churn": s.churn,
            "months_paid": s.months,
            "started_on": calendar.dates(settings, s.started),
            "ends_on": calendar.dates(settings, s.ends),
        }
    )


def campaign_effects(company: Company) -> pl.DataFrame:
    """What contact truly does to each customer chosen, in expectation over 30 days; also for those held out."""
    chosen = company.campaigned.contacts
    extra = pl.DataFrame(
        {"campaign": company.campaigned.extra_campaign, "buyer": company.campaigned.extra_buyer}
    ).with_columns(caused=pl.lit(1, pl.Int64))
    joined = chosen.join(
        extra.unique(["campaign", "buyer"]), on=["campaign", "buyer"], how="left", maintain_order="left"
    )
    return pl.DataFrame(
        {
            "campaign_key": pl.Series([c.key for c in CAMPAIGNS]).gather(joined["campaign"]),
            "person_id": company.buyers[joined["buyer"].to_numpy()] + 1,
            "is_contacted": joined["is_contacted"],
            "contacted_at": calendar.instants(company.settings, joined["at"].to_numpy()),
            "expected_extra_orders": joined["expected_extra_orders"],
            "expected_extra_net": joined["expected_extra_net"],
            "orders_caused": joined["caused"].fill_null(0),
        }
    )


def totals(company: Company, delivered: dict[str, DeliveredSales]) -> pl.DataFrame:
    """Per source, month (company's zone) and currency: what must be found loaded, and what quarantined, in cents without tax.

    `rows_loaded` counts lines once; `rows_repeated` are those delivered again, in the same file or in a repeated one. The
    month of a quarantined line is that of the order, even where the delivered date is the fault.
    """
    return pl.concat(_totals(company.settings, system, d) for system, d in delivered.items())


def _totals(settings: SimulateSettings, system: str, delivered: DeliveredSales) -> pl.DataFrame:
    sales, planted = delivered.sales, delivered.planted
    o, lines = sales.orders, sales.lines
    n = len(lines.order)
    is_refused, is_unknown, again = (np.zeros(n, dtype=np.int64) for _ in range(3))
    for row, kind in zip(planted.row.tolist(), planted.kind, strict=True):
        is_refused[row] = expected(kind) == "quarantined"
        is_unknown[row] = kind == "unknown_customer"
        again[row] += kind == DUPLICATE
    again[delivered.repeated] += 1
    months = pl.Series(month_starts(settings))
    frame = pl.DataFrame(
        {
            "source": pl.Series([system]).new_from_index(0, n),
            "month": months.gather(month_of(settings, o.at)).gather(lines.order),
            "currency": pl.Series(CURRENCIES).gather(o.currency[lines.order]),
            "refused": is_refused, "unknown": is_unknown, "again": again, "nobody": (o.place[lines.order] < 0).astype(np.int64),
            "net": lines.pure_net, "tax": lines.tax, "company": lines.company_net,
        }
    )  # fmt: skip
    loaded, refused = 1 - pl.col("refused"), pl.col("refused")
    return (
        frame.group_by("source", "month", "currency")
        .agg(
            rows_loaded=loaded.sum(), rows_quarantined=refused.sum(), rows_repeated=pl.col("again").sum(),
            net_cents=(pl.col("net") * loaded).sum(), tax_cents=(pl.col("tax") * loaded).sum(),
            company_net_cents=(pl.col("company") * loaded).sum(), quarantined_net_cents=(pl.col("net") * refused).sum(),
            quarantined_company_net_cents=(pl.col("company") * refused).sum(),
            anonymous_company_net_cents=(pl.col("company") * loaded * pl.col("nobody") * (1 - pl.col("unknown"))).sum(),
            unknown_customer_company_net_cents=(pl.col("company") * loaded * pl.col("unknown")).sum(),
        )
        .sort("source", "month", "currency")
    )  # fmt: skip


def rows(files: pl.DataFrame, written: Written) -> pl.DataFrame:
    """Per source and entity: rows delivered = loaded + quarantined + repeated (versions of one record count each)."""
    dirt = pl.DataFrame(written.dirt, schema=_DIRT)
    per_entity = ("source", "entity")
    faults = dirt.group_by(per_entity).agg(
        rows_quarantined=(pl.col("expected") == "quarantined").sum().cast(pl.Int64),
        duplicates=(pl.col("kind") == DUPLICATE).sum().cast(pl.Int64),
    )
    return (
        files.group_by(per_entity)
        .agg(
            files=pl.len().cast(pl.Int64),
            rows_delivered=pl.col("rows").sum(),
            resent=pl.col("rows").filter(pl.col("kind") == "repeated").sum(),
        )
        .join(faults, on=per_entity, how="left")
        .with_columns(pl.col("rows_quarantined", "duplicates").fill_null(0))
        .with_columns(rows_repeated=pl.col("resent") + pl.col("duplicates"))
        .with_columns(rows_loaded=pl.col("rows_delivered") - pl.col("rows_quarantined") - pl.col("rows_repeated"))
        .select(*per_entity, "files", "rows_delivered", "rows_loaded", "rows_quarantined", "rows_repeated")
        .sort(per_entity)
    )
