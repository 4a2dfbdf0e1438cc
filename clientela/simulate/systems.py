"""The four systems as they export themselves: column names, notations and file formats of each.

The till is Spanish, with semicolons, decimal commas, local times and prices with tax; the web shop English, in Parquet, UTC
and several currencies; the call centre writes JSON lines; the loyalty scheme CSV and Excel. Which clientela columns these
are stands in `configuration`.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from clientela.simulate import calendar, contacts, loyalty
from clientela.simulate.baskets import plan_amounts
from clientela.simulate.campaigns import CAMPAIGNS
from clientela.simulate.catalogue import ACQUISITION_CHANNELS, CURRENCIES
from clientela.simulate.company import Company, Sales
from clientela.simulate.files import DUPLICATE, Table
from clientela.simulate.records import CALL_CENTRE, LOYALTY, TILL, WEBSHOP, Records
from clientela.simulate.streams import Floats, Ints, Mask, stream, weighted
from clientela.simulate.subscriptions import REASONS
from clientela.simulate.words import COUNTRIES, LANGUAGES

STORES = (
    "Málaga Centro", "Cádiz Puerto", "Madrid Sol", "Córdoba Norte", "Bilbao Ensanche", "Logroño Mayor", "A Coruña Marina",
    "Sevilla Triana", "Valencia Ruzafa", "León Catedral", "Almería Playa", "Gijón Centro",
)  # fmt: skip
SPANISH_TIME = "%d/%m/%Y %H:%M:%S"
LOYALTY_TIME = "%d.%m.%Y %H:%M:%S"
_MONEY = pl.Decimal(18, 2)
_TEXT_DIRT = ("field_count_short", "field_count_long", "unclosed_quote", "impossible_date", DUPLICATE)


def tables(company: Company) -> Iterator[Table]:
    """Every file of the company, clean, made one after the other so that no two of the large ones are held at once."""
    for make in (
        till_customers, till_sales, web_customers, web_products, web_sales, web_subscriptions, web_sessions,
        call_customers, call_tickets, loyalty_customers, loyalty_rewards, loyalty_consents, loyalty_erasures,
        loyalty_campaigns, loyalty_contacts,
    ):  # fmt: skip
        yield make(company)


def _countries(records: Records) -> pl.Series:
    return pl.Series(COUNTRIES).gather(records.fields["language"])


def _money(cents: Ints) -> pl.Series:
    return pl.Series(cents / 100).cast(_MONEY)


def _integers(keys: pl.Series) -> pl.Series:
    return keys.cast(pl.Int64)


def _keys(company: Company, system: str, members: Ints) -> pl.Series:
    """The system's own ids of these memberships."""
    records = company.records[system]
    return records.key.gather(records.place[members])


def _nullable(values: pl.Series, known: Mask) -> pl.Series:
    return pl.select(pl.when(pl.Series(known)).then(values)).to_series()


def till_customers(company: Company) -> Table:
    """Who gave their name at the counter, or wanted an invoice."""
    records = company.records[TILL]
    f = records.fields
    frame = pl.DataFrame(
        {
            "id_cliente": _integers(records.key.gather(records.version_of)),
            "nombre": f["given"],
            "apellidos": f["family"],
            "razon_social": f["company"],
            "nif": f["tax_id"],
            "telefono": f["phone"],
            "correo": f["email"],
            "direccion": f["street"],
            "cp": f["postal_code"],
            "poblacion": f["town"],
            "pais": _countries(records),
            "tarjeta": f["card"],
            "alta": _till_time(company, records.registered[records.version_of]),
            "actualizado": _till_time(company, records.written),
        }
    )
    return Table(
        TILL, "customers", "till/clientes", "csv", frame, records.written, ("id_cliente",), decimal_comma=True,
        dirt=(*_TEXT_DIRT, "wrong_encoding"), date_column="actualizado", text_column="apellidos",
    )  # fmt: skip


def till_sales(company: Company) -> Table:
    """Returns stand with positive amounts and type D; the store's name has accents, as names have."""
    sales, settings = company.till, company.settings
    orders, lines = sales.orders, sales.lines
    rng = stream(settings.seed, "stores")
    store = weighted(rng, tuple(range(len(STORES) + 2, 2, -1)), len(orders.at))
    store = np.where(orders.returns >= 0, store[np.maximum(orders.returns, 0)], store)
    is_return = orders.returns >= 0
    keys = pl.Series(sales.keys)
    customers = _nullable(_order_customers(company, TILL, sales), orders.place >= 0)
    per_order = pl.DataFrame(
        {
            "ticket": keys,
            "fecha_hora": _till_time(company, orders.at),
            "tienda": pl.Series(STORES).gather(store),
            "socio": _integers(customers),
            "tipo": pl.Series(["V", "D"]).gather(is_return.astype(np.int64)),
            "vale": _coupons(orders.coupon),
            "ticket_devuelto": _nullable(keys.gather(np.maximum(orders.returns, 0)), is_return),
        }
    )
    frame = per_order[lines.order].with_columns(
        linea=pl.Series(lines.number),
        articulo=company.catalogue.frame["sku"].gather(lines.product),
        unidades=pl.Series(np.abs(lines.quantity)),
        bruto=pl.Series(np.abs(lines.gross) / 100),
        descuento=pl.Series(np.abs(lines.gross - lines.net) / 100),
        importe=pl.Series(np.abs(lines.net) / 100),
        iva=pl.Series(company.catalogue.tax_percent[lines.product]),
    )
    frame = frame.select(
        "ticket",
        "linea",
        "fecha_hora",
        "tienda",
        "socio",
        "articulo",
        "unidades",
        "bruto",
        "descuento",
        "importe",
        "iva",
        "tipo",
        "vale",
        "ticket_devuelto",
    )
    return Table(
        TILL,
        "transactions",
        "till/ventas",
        "csv",
        frame,
        orders.at[lines.order],
        ("ticket", "linea"),
        decimal_comma=True,
        dirt=(*_TEXT_DIRT, "wrong_encoding", "unknown_customer"),
        date_column="fecha_hora",
        customer_column="socio",
        text_column="tienda",
    )


def _till_time(company: Company, days: Floats) -> pl.Series:
    return calendar.text(calendar.local(company.settings, calendar.opening_hours(days)), SPANISH_TIME)


def _order_customers(company: Company, system: str, sales: Sales) -> pl.Series:
    return company.records[system].key.gather(np.maximum(sales.orders.place, 0))


def _coupons(coupon: Ints) -> pl.Series:
    codes = pl.Series([None, *(campaign.key for campaign in CAMPAIGNS)], dtype=pl.String)
    return codes.gather(coupon + 1)


def web_customers(company: Company) -> Table:
    """The shop's accounts, prospects included."""
    records, settings = company.records[WEBSHOP], company.settings
    f = records.fields
    won = weighted(stream(settings.seed, "acquisition channels"), (9, 6, 4, 2, 1, 2), len(records.person))
    frame = pl.DataFrame(
        {
            "user_id": _integers(records.key.gather(records.version_of)),
            "email": f["email"],
            "first_name": f["given"],
            "last_name": f["family"],
            "company": f["company"],
            "vat_id": f["tax_id"],
            "phone": f["phone"],
            "birth_date": f["birth"],
            "address": f["street"],
            "zip": f["postal_code"],
            "city": f["town"],
            "country": _countries(records),
            "locale": pl.Series(LANGUAGES).gather(f["language"]),
            "loyalty_card": f["card"],
            "acquisition_channel": pl.Series(ACQUISITION_CHANNELS).gather(won[records.version_of]),
            "has_ordered": company.people.is_buyer[records.person[records.version_of]],
            "registered_at": calendar.instants(settings, records.registered[records.version_of]),
            "updated_at": calendar.instants(settings, records.written),
        }
    )
    return Table(WEBSHOP, "customers", "webshop/customers", "parquet", frame, records.written, ("user_id",))


def web_products(company: Company) -> Table:
    """The one list of products; the other systems use its ids."""
    frame = company.catalogue.frame
    return Table(
        WEBSHOP, "products", "webshop/products", "parquet", frame, np.zeros(frame.height), ("sku",), is_single=True
    )


def web_sales(company: Company) -> Table:
    """Order lines with amounts without tax, returns negative, and the monthly charges of subscriptions."""
    sales, settings = company.webshop, company.settings
    orders, lines = sales.orders, sales.lines
    rng = stream(settings.seed, "deliveries")
    n = len(orders.at)
    is_return = orders.returns >= 0
    promised: Floats = np.floor(orders.at) + 2.0 + weighted(rng, (5, 3, 2), n)
    late = np.where(rng.random(n) < 0.12, 1 + rng.integers(0, 6, n), -rng.integers(0, 2, n))
    arrived = np.where(promised + late < settings.days, promised + late, np.nan)
    is_charge = orders.plan >= 0
    is_shipped = ~is_return & ~is_charge
    channel = np.where(is_charge, 2, weighted(rng, (70, 30), n))
    keys = pl.Series(sales.keys)
    per_order = pl.DataFrame(
        {
            "order_id": keys,
            "user_id": _integers(_order_customers(company, WEBSHOP, sales)),
            "ordered_at": calendar.instants(settings, orders.at),
            "channel": pl.Series(["web", "app", "subscription"]).gather(channel),
            "currency": pl.Series(CURRENCIES).gather(orders.currency),
            "is_return": is_return,
            "returned_order_id": _nullable(keys.gather(np.maximum(orders.returns, 0)), is_return),
            "promo_code": _coupons(orders.coupon),
            "promised_on": _nullable(calendar.dates(settings, promised), is_shipped),
            "delivered_on": _nullable(calendar.dates(settings, arrived), is_shipped),
        }
    )
    frame = per_order[lines.order].with_columns(
        line_no=pl.Series(lines.number),
        sku=company.catalogue.frame["sku"].gather(lines.product),
        quantity=pl.Series(lines.quantity),
        list_amount=_money(lines.gross),
        discount=_money(lines.gross - lines.net),
        net_amount=_money(lines.net),
        tax=_money(lines.tax),
        cost=_money(lines.cost),
    )
    return Table(
        WEBSHOP, "transactions", "webshop/order_lines", "parquet", frame, orders.at[lines.order], ("order_id", "line_no"),
        dirt=("impossible_date", "unknown_customer", DUPLICATE), date_column="ordered_at", customer_column="user_id",
    )  # fmt: skip


def web_subscriptions(company: Company) -> Table:
    """A log: one version when the contract begins, one when it ends."""
    s, settings = company.subscriptions, company.settings
    ended = np.flatnonzero(s.ends < settings.days)
    row = np.concatenate([np.arange(len(s.member), dtype=np.int64), ended])
    is_end = np.arange(len(row)) >= len(s.member)
    changed: Floats = np.where(is_end, s.ends[row] + 0.2, s.started[row] + 0.1)
    order = np.argsort(changed, kind="stable")
    row, is_end, changed = row[order], is_end[order], changed[order]
    plans = company.catalogue.first_plan + s.plan[row]
    prices = np.array([round(amount * 100) for amount in plan_amounts()], dtype=np.int64)
    end = _nullable(calendar.dates(settings, s.ends[row]), is_end)
    by = pl.Series(["company", "customer"]).gather(s.by_customer[row])
    frame = pl.DataFrame(
        {
            "subscription_id": "S" + pl.Series(row + 1).cast(pl.String).str.zfill(6),
            "user_id": _integers(_keys(company, WEBSHOP, s.member[row])),
            "sku": company.catalogue.frame["sku"].gather(plans),
            "started_on": calendar.dates(settings, s.started[row]),
            "ended_on": end,
            "cancelled_on": end,
            "cancelled_by": _nullable(by, is_end),
            "reason": _nullable(pl.Series(REASONS).gather(s.reason[row]), is_end),
            "monthly_amount": _money(prices[s.plan[row]]),
            "updated_at": calendar.instants(settings, changed),
        }
    )
    return Table(WEBSHOP, "contracts", "webshop/subscriptions", "parquet", frame, changed, ("subscription_id",))


def web_sessions(company: Company) -> Table:
    """Visits to the shop."""
    s, settings = company.sessions, company.settings
    frame = pl.DataFrame(
        {
            "session_id": pl.Series(np.arange(len(s.at), dtype=np.int64) + 1),
            "user_id": _integers(_keys(company, WEBSHOP, s.member)),
            "started_at": calendar.instants(settings, s.at),
            "minutes": pl.Series(s.minutes),
            "device": pl.Series(["web", "app"]).gather(s.is_app.astype(np.int64)),
        }
    )
    return Table(WEBSHOP, "interactions", "webshop/sessions", "parquet", frame, s.at, ("session_id",))


def call_customers(company: Company) -> Table:
    """Names are typed as they are heard: some the family name first, some that alone, some with a title."""
    records, settings = company.records[CALL_CENTRE], company.settings
    f, n = records.fields, len(records.written)
    rng = stream(settings.seed, "typed names")
    style, given, family = pl.lit(pl.Series(weighted(rng, (62, 16, 6, 4), n))), pl.lit(f["given"]), pl.lit(f["family"])
    titles = pl.lit(pl.Series(["Sr./Sra.", "Ms/Mr", "Herr/Frau", "M./Mme", "Pan/Pani"]).gather(f["language"]))
    name = pl.select(
        pl.when(given.is_null()).then(titles + " " + family)
        .when(style == 1).then(family + ", " + given)
        .when(style == 2).then((given + " " + family).str.to_lowercase())
        .when(style == 3).then(titles + " " + given + " " + family)
        .otherwise(given + " " + family)
    ).to_series()  # fmt: skip
    frame = pl.DataFrame(
        {
            "contact_id": records.key.gather(records.version_of),
            "name": name,
            "company": f["company"],
            "reach": pl.DataFrame({"phone": f["phone"], "email": f["email"]}).to_struct(),
            "address": pl.DataFrame(
                {"street": f["street"], "postcode": f["postal_code"], "city": f["town"], "country": _countries(records)}
            ).to_struct(),
            "language": pl.Series(LANGUAGES).gather(f["language"]),
            "updated": calendar.iso(settings, records.written),
        }
    )
    return Table(CALL_CENTRE, "customers", "call_centre/contacts", "jsonl", frame, records.written, ("contact_id",))


def call_tickets(company: Company) -> Table:
    """Cases as they stood when closed, and those still open at the cut."""
    t, settings = company.tickets, company.settings
    is_proposal = t.kind == contacts.KINDS.index("proposal")
    closed = np.isfinite(t.resolved)
    skus = company.catalogue.frame["sku"]
    kinds = pl.Series(contacts.KINDS)
    frame = pl.DataFrame(
        {
            "ticket": "T" + pl.Series(np.arange(len(t.opened)) + 1).cast(pl.String).str.zfill(8),
            "contact_id": _keys(company, CALL_CENTRE, t.member),
            "opened": calendar.iso(settings, t.opened),
            "closed": calendar.iso(settings, t.resolved),
            "type": kinds.gather(t.kind),
            "channel": pl.Series(contacts.CHANNELS).gather(t.channel),
            "direction": pl.Series(["inbound", "outbound"]).gather(t.is_outbound.astype(np.int64)),
            "state": pl.Series(["open", "closed"]).gather(closed.astype(np.int64)),
            "outcome": _nullable(pl.Series(["lost", "won"]).gather(t.is_won.astype(np.int64)), is_proposal & closed),
            "value": _nullable(pl.Series(t.amount / 100), is_proposal),
            "agent": pl.Series(contacts.AGENTS).gather(t.agent),
            "score": _nullable(pl.Series(t.score), t.score >= 0),
            "minutes": pl.Series(t.minutes),
            "sku": _nullable(skus.gather(np.maximum(t.product, 0)), t.product >= 0),
            "campaign": _coupons(t.campaign),
        }
    )
    return Table(
        CALL_CENTRE, "interactions", "call_centre/tickets", "jsonl", frame, t.delivered, ("ticket",),
        dirt=("broken_json", "impossible_date", "unknown_customer", "wrong_encoding", DUPLICATE), date_column="opened",
        customer_column="contact_id", text_column="agent",
    )  # fmt: skip


def loyalty_customers(company: Company) -> Table:
    """Holders of a card; dates are real dates in Excel and text in CSV."""
    records, settings = company.records[LOYALTY], company.settings
    f = records.fields
    joined, changed = (
        calendar.local(settings, days) for days in (records.registered[records.version_of], records.written)
    )
    is_excel = settings.writes_excel
    frame = pl.DataFrame(
        {
            "card": records.key.gather(records.version_of),
            "name": f["given"],
            "surname": f["family"],
            "e_mail": f["email"],
            "mobile": f["phone"],
            "document": f["tax_id"],
            "birth": f["birth"] if is_excel else calendar.text(f["birth"], "%d.%m.%Y"),
            "street": f["street"],
            "postcode": f["postal_code"],
            "town": f["town"],
            "country": _countries(records),
            "language": pl.Series(LANGUAGES).gather(f["language"]),
            "joined": joined if is_excel else calendar.text(joined, LOYALTY_TIME),
            "changed": changed if is_excel else calendar.text(changed, LOYALTY_TIME),
        }
    )
    return Table(
        LOYALTY,
        "customers",
        "loyalty/members",
        "xlsx" if is_excel else "csv",
        frame,
        records.written,
        ("card",),
        separator=",",
    )


def loyalty_rewards(company: Company) -> Table:
    """Postings of points."""
    r, settings = company.rewards, company.settings
    frame = pl.DataFrame(
        {
            "posting": pl.Series(np.arange(len(r.at), dtype=np.int64) + 1),
            "card": _keys(company, LOYALTY, r.member),
            "what": pl.Series(loyalty.REWARD_KINDS).gather(r.kind),
            "points": pl.Series(r.points),
            "value_eur": pl.Series(r.value / 100),
            "posted": calendar.text(calendar.local(settings, r.at), LOYALTY_TIME),
        }
    )
    return Table(
        LOYALTY, "rewards", "loyalty/points", "csv", frame, r.at, ("posting",), separator=",",
        dirt=(*_TEXT_DIRT, "unknown_customer"), date_column="posted", customer_column="card",
    )  # fmt: skip


def loyalty_consents(company: Company) -> Table:
    """What members agreed to, as a log."""
    c, settings = company.consents, company.settings
    frame = pl.DataFrame(
        {
            "entry": pl.Series(np.arange(len(c.at), dtype=np.int64) + 1),
            "card": _keys(company, LOYALTY, c.member),
            "purpose": pl.Series(loyalty.PURPOSES).gather(c.purpose),
            "channel": pl.Series(loyalty.CONSENT_CHANNELS).gather(c.channel),
            "decision": pl.Series(loyalty.STATUSES).gather(c.status),
            "decided": calendar.text(calendar.local(settings, c.at), LOYALTY_TIME),
        }
    ).with_columns(pl.col("channel").replace("", None))
    return Table(LOYALTY, "consents", "loyalty/consents", "csv", frame, c.at, ("entry",), separator=",")


def loyalty_erasures(company: Company) -> Table:
    """Requests to be forgotten."""
    member, at = company.erasures
    frame = pl.DataFrame(
        {
            "request": pl.Series(np.arange(len(at), dtype=np.int64) + 1),
            "card": _keys(company, LOYALTY, member),
            "requested": calendar.text(calendar.local(company.settings, at), LOYALTY_TIME),
        }
    )
    return Table(LOYALTY, "erasures", "loyalty/forget_me", "csv", frame, at, ("request",), separator=",")


def loyalty_campaigns(company: Company) -> Table:
    """The campaigns and their costs."""
    campaigns = CAMPAIGNS if company.settings.campaigns else ()
    starts = np.array([np.floor(c.at * company.settings.days) for c in campaigns])
    contacted = company.campaigned.contacts.filter(pl.col("is_contacted"))["campaign"].to_numpy()
    number = np.bincount(contacted, minlength=len(campaigns))
    frame = pl.DataFrame(
        {
            "campaign": [c.key for c in campaigns],
            "title": [c.name for c in campaigns],
            "kind": [c.kind for c in campaigns],
            "approach": [c.approach for c in campaigns],
            "channel": [c.channel for c in campaigns],
            "goal": [c.goal for c in campaigns],
            "starts": calendar.text(calendar.dates(company.settings, starts), "%d.%m.%Y"),
            "ends": calendar.text(calendar.dates(company.settings, starts + 30), "%d.%m.%Y"),
            "budget": [
                round(1.2 * (c.fixed_cost + c.unit_cost * int(k)), 2) for c, k in zip(campaigns, number, strict=True)
            ],
            "fixed_cost": [c.fixed_cost for c in campaigns],
            "unit_cost": [c.unit_cost for c in campaigns],
        }
    )
    return Table(
        LOYALTY,
        "campaigns",
        "loyalty/campaigns",
        "csv",
        frame,
        np.zeros(frame.height),
        ("campaign",),
        separator=",",
        is_single=True,
    )


def loyalty_contacts(company: Company) -> Table:
    """Who was chosen for which campaign; `control` was held out."""
    chosen = company.campaigned.contacts.sort("at", "buyer")
    campaign, at = chosen["campaign"].to_numpy(), chosen["at"].to_numpy()
    person = company.buyers[chosen["buyer"].to_numpy()]
    is_contacted = chosen["is_contacted"].to_numpy().astype(np.int64)
    frame = pl.DataFrame(
        {
            "campaign": pl.Series([c.key for c in CAMPAIGNS]).gather(campaign),
            "card": _keys(company, LOYALTY, company.memberships[LOYALTY].first[person]),
            "group": pl.Series(["control", "mailed"]).gather(is_contacted),
            "channel": pl.Series([c.channel for c in CAMPAIGNS]).gather(campaign),
            "day": calendar.text(calendar.local(company.settings, at), LOYALTY_TIME),
        }
    )
    return Table(
        LOYALTY, "campaign_contacts", "loyalty/mailings", "csv", frame, at, ("campaign", "card"), separator=","
    )
