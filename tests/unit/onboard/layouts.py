"""Public layouts of exports, rebuilt small and invented: what `doctor --propose` is measured by.

Each function writes a folder (or a database) as its system would, and gives the totals that a right configuration loads,
summed here from the rows themselves.
"""

import csv
import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Totals = dict[str, Any]

NAMES = ("Ana Gil", "Blas Ruiz", "Carla Mota", "Diego Sanz", "Eva Lund", "Farid Nasr", "Gala Prat", "Hugo Vidal")
THINGS = ("Cap", "Mug", "Scarf", "Lamp", "Bag", "Pen", "Tea", "Soap")
PRICES = ("12.50", "8.00", "24.90", "59.00", "35.25", "3.20", "6.75", "4.40")


def _csv(path: Path, rows: Sequence[Row], delimiter: str = ",", encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def _person(n: int) -> tuple[str, str, str]:
    given, family = NAMES[n % len(NAMES)].split()
    return given, f"{family}{n}" if n >= len(NAMES) else family, f"{given.lower()}{n}@mail.example"


def _moment(n: int) -> datetime:
    return datetime(2025, 1, 3, 9, 15, 7) + timedelta(days=n % 170, hours=n * 7 % 11, minutes=n * 13 % 60)


def _lines(orders: int) -> Iterable[tuple[int, int, int, int, Decimal]]:
    """(order, line, product, quantity, price) of invented orders with one to three lines."""
    for order in range(orders):
        for line in range(1 + order % 3):
            product = (order * 3 + line * 5) % len(THINGS)
            yield order, line, product, 1 + (order + line) % 4, Decimal(PRICES[product])


def _sum(values: Iterable[Any]) -> Decimal:
    return sum((Decimal(str(value)) for value in values), Decimal(0))


# ------------------------------------------------------------------------------------------------ Shopify's exports


def shopify_export(folder: Path) -> Totals:
    """`orders_export.csv`: a row a line, the order's own columns on its first row only; `customers_export.csv`."""
    people = [_person(n) for n in range(14)]
    _csv(
        folder / "customers_export.csv",
        [
            {
                "Customer ID": 7000100 + n,
                "First Name": given,
                "Last Name": family,
                "Email": email,
                "Accepts Email Marketing": "yes" if n % 2 else "no",
                "Default Address Address1": f"Calle {n}",
                "Default Address City": "Madrid",
                "Default Address Country Code": "ES",
                "Default Address Zip": f"280{n:02d}",
                "Phone": f"+3460010{n:04d}",
                "Total Spent": f"{n * 10}.00",
                "Total Orders": n,
                "Tags": "",
            }
            for n, (given, family, email) in enumerate(people)
        ],
    )
    rows: list[Row] = []
    kept: list[tuple[Decimal, Decimal, Decimal]] = []
    lines: list[Decimal] = []
    for order, line, product, quantity, price in _lines(45):
        status = "voided" if order % 15 == 4 else "refunded" if order % 15 == 9 else "paid"
        given, family, email = people[order * 5 % 14]
        mine = [q * p for o, _, _, q, p in _lines(45) if o == order]
        discount = (_sum(mine) / 10).quantize(Decimal("0.01")) if order % 4 == 0 else Decimal("0.00")
        shipping = Decimal("4.95") if order % 3 else Decimal("0.00")
        head = {
            "Financial Status": status,
            "Paid at": f"{_moment(order) + timedelta(minutes=1)} -0400",
            "Fulfillment Status": "fulfilled",
            "Accepts Marketing": "yes",
            "Currency": "USD",
            "Subtotal": _sum(mine) - discount,
            "Shipping": shipping,
            "Taxes": "0.00",
            "Total": _sum(mine) - discount + shipping,
            "Discount Code": "WELCOME" if discount else "",
            "Discount Amount": discount,
            "Shipping Method": "Standard",
        }
        first = line == 0
        rows.append(
            {"Name": f"#{1001 + order}", "Email": email}
            | {name: value if first else "" for name, value in head.items()}
            | {
                "Created at": f"{_moment(order)} -0400",
                "Lineitem quantity": quantity,
                "Lineitem name": THINGS[product],
                "Lineitem price": price,
                "Lineitem compare at price": "",
                "Lineitem sku": f"SKU-{product}",
                "Lineitem requires shipping": "true",
                "Lineitem taxable": "true",
                "Lineitem fulfillment status": "fulfilled",
                "Billing Name": f"{given} {family}" if first else "",
                "Billing City": "Madrid" if first else "",
                "Notes": "",
                "Cancelled at": "",
                "Payment Method": "Shopify Payments" if first else "",
                "Payment Reference": f"c{order}.1" if first else "",
                "Refunded Amount": "0.00" if first else "",
                "Vendor": "Own",
                "Id": 55000200 + order if first else "",
                "Tags": "",
                "Risk Level": "Low" if first else "",
                "Source": "web" if first else "",
                "Lineitem discount": "0.00",
            }
        )
        if status != "voided":
            lines.append(quantity * price)
            if first:
                kept.append((discount, shipping, Decimal(0)))
    _csv(folder / "orders_export.csv", rows)
    return {
        "customers": 14,
        "lines": len(lines),
        "net": _sum(lines),
        "orders": len(kept),
        "discount": _sum(d for d, _, _ in kept),
        "shipping": _sum(s for _, s, _ in kept),
    }


# ------------------------------------------------------------------------------------------------ Shopify's API


def shopify_api(folder: Path) -> Totals:
    """The API's 43 tables as a loader leaves them, one CSV each: what matters lies among much that does not."""
    people = [_person(n) for n in range(20)]
    day = lambda n: f"{_moment(n).isoformat()}-04:00"  # noqa: E731
    lines = list(_lines(60))
    tables: dict[str, list[Row]] = {
        "customers": [
            {
                "id": 9100 + n,
                "email": e,
                "first_name": g,
                "last_name": f,
                "phone": f"+346001{n:05d}",
                "orders_count": 3,
                "total_spent": "100.00",
                "state": "enabled",
                "verified_email": "true",
                "created_at": day(n),
                "updated_at": day(n + 5),
                "multipass_identifier": "",
                "currency": "USD",
            }
            for n, (g, f, e) in enumerate(people)
        ],
        "customer_addresses": [
            {
                "id": 400 + n,
                "customer_id": 9100 + n,
                "first_name": g,
                "last_name": f,
                "address1": f"Calle {n}",
                "city": "Leon",
                "zip": f"240{n:02d}",
                "country": "Spain",
                "phone": f"+346001{n:05d}",
                "default": "true",
            }
            for n, (g, f, _) in enumerate(people)
        ],
        "shop": [
            {
                "id": 1,
                "name": "The Corner",
                "email": "owner@corner.example",
                "domain": "corner.example",
                "province": "Leon",
                "country": "ES",
                "address1": "Plaza 1",
                "zip": "24001",
                "city": "Leon",
                "phone": "+34600000000",
                "currency": "USD",
                "shop_owner": "Olga Paz",
                "plan_name": "basic",
                "myshopify_domain": "corner.myshop.example",
                "created_at": day(0),
                "updated_at": day(9),
            }
        ],
        "locations": [
            {
                "id": 31 + n,
                "name": f"Shop {n}",
                "address1": f"Street {n}",
                "city": "Leon",
                "zip": f"2400{n}",
                "country": "ES",
                "phone": f"+3460000000{n}",
                "created_at": day(n),
                "updated_at": day(n),
                "active": "true",
            }
            for n in range(3)
        ],
        "users": [
            {
                "id": 51 + n,
                "first_name": "Staff",
                "last_name": f"Member{n}",
                "email": f"staff{n}@corner.example",
                "account_owner": "false",
                "user_type": "regular",
                "phone": "",
                "locale": "en",
                "api_token": f"shpat_{n:032x}",
            }
            for n in range(5)
        ],
        "orders": [
            {
                "id": 5000 + o,
                "name": f"#{1001 + o}",
                "order_number": 1001 + o,
                "customer_id": 9100 + o * 7 % 20,
                "email": people[o * 7 % 20][2],
                "created_at": day(o),
                "processed_at": day(o),
                "updated_at": day(o + 1),
                "cancelled_at": "",
                "financial_status": "paid",
                "fulfillment_status": "fulfilled",
                "currency": "USD",
                "total_line_items_price": _sum(q * p for oo, _, _, q, p in lines if oo == o),
                "total_discounts": "2.00" if o % 6 == 0 else "0.00",
                "subtotal_price": _sum(q * p for oo, _, _, q, p in lines if oo == o) - (2 if o % 6 == 0 else 0),
                "total_tax": "0.00",
                "total_price": _sum(q * p for oo, _, _, q, p in lines if oo == o) - (2 if o % 6 == 0 else 0),
                "test": "false",
                "source_name": "web",
                "location_id": 31,
                "token": f"{o:032x}",
                "browser_ip": "192.0.2.1",
                "checkout_id": 8800 + o,
            }
            for o in range(60)
        ],
        "order_line_items": [
            {
                "id": 70000 + i,
                "order_id": 5000 + o,
                "product_id": 300 + t,
                "variant_id": 3300 + t,
                "sku": f"SKU-{t}",
                "title": THINGS[t],
                "quantity": q,
                "price": p,
                "total_discount": "0.00",
                "vendor": "Own",
                "fulfillable_quantity": 0,
                "grams": 100,
                "requires_shipping": "true",
                "taxable": "true",
            }
            for i, (o, _, t, q, p) in enumerate(lines)
        ],
        "transactions": [
            {
                "id": 80000 + o,
                "order_id": 5000 + o,
                "kind": "sale",
                "gateway": "shopify_payments",
                "status": "success",
                "amount": _sum(q * p for oo, _, _, q, p in lines if oo == o) - (2 if o % 6 == 0 else 0),
                "currency": "USD",
                "created_at": day(o),
                "processed_at": day(o),
                "test": "false",
                "authorization": f"ch_{o}",
                "credit_card_number": f"•••• •••• •••• {4000 + o}",
                "credit_card_company": "Visa",
                "avs_result_code": "Y",
            }
            for o in range(60)
        ],
        "order_refunds": [
            {
                "id": 61 + n,
                "order_id": 5000 + o,
                "created_at": day(o + 9),
                "processed_at": day(o + 9),
                "note": "",
                "restock": "true",
            }
            for n, o in enumerate(range(10, 60, 20))
        ],
        "refund_line_items": [
            {
                "id": 661 + n,
                "refund_id": 61 + n,
                "line_item_id": next(70000 + i for i, (oo, *_) in enumerate(lines) if oo == o),
                "quantity": 1,
                "subtotal": next(p for oo, _, _, _, p in lines if oo == o),
                "total_tax": "0.00",
                "location_id": 31,
            }
            for n, o in enumerate(range(10, 60, 20))
        ],
        "products": [
            {
                "id": 300 + t,
                "title": thing,
                "vendor": "Own",
                "product_type": "Things",
                "status": "active",
                "handle": thing.lower(),
                "created_at": day(t),
                "updated_at": day(t),
                "published_at": day(t),
                "tags": "",
            }
            for t, thing in enumerate(THINGS)
        ],
        "product_variants": [
            {
                "id": 3300 + t,
                "product_id": 300 + t,
                "title": "Default",
                "price": PRICES[t],
                "sku": f"SKU-{t}",
                "position": 1,
                "inventory_item_id": 990 + t,
                "inventory_quantity": 40 + t,
                "created_at": day(t),
                "updated_at": day(t),
            }
            for t in range(len(THINGS))
        ],
        "inventory_items": [
            {
                "id": 990 + t,
                "sku": f"SKU-{t}",
                "cost": "2.00",
                "tracked": "true",
                "created_at": day(t),
                "updated_at": day(t),
            }
            for t in range(len(THINGS))
        ],
        "inventory_levels": [
            {"inventory_item_id": 990 + t, "location_id": 31 + loc, "available": 20, "updated_at": day(t)}
            for t in range(len(THINGS))
            for loc in range(3)
        ],
        "fulfillments": [
            {
                "id": 88000 + o,
                "order_id": 5000 + o,
                "status": "success",
                "created_at": day(o + 1),
                "updated_at": day(o + 1),
                "tracking_company": "Post",
                "tracking_number": f"ES{o:09d}",
                "location_id": 31,
            }
            for o in range(60)
        ],
        "order_shipping_lines": [
            {
                "id": 45000 + o,
                "order_id": 5000 + o,
                "title": "Standard",
                "price": "0.00",
                "code": "Standard",
                "source": "shopify",
            }
            for o in range(60)
        ],
        "abandoned_checkouts": [
            {
                "id": 8700 + n,
                "token": f"{n:016x}",
                "email": people[n][2],
                "created_at": day(n),
                "updated_at": day(n),
                "total_price": "20.00",
                "currency": "USD",
                "customer_id": 9100 + n,
                "subtotal_price": "20.00",
            }
            for n in range(8)
        ],
        "tender_transactions": [
            {
                "id": 99000 + o,
                "order_id": 5000 + o,
                "amount": _sum(q * p for oo, _, _, q, p in lines if oo == o) - (2 if o % 6 == 0 else 0),
                "currency": "USD",
                "processed_at": day(o),
                "payment_method": "credit_card",
                "test": "false",
            }
            for o in range(60)
        ],
        "balance_transactions": [
            {
                "id": 66000 + o,
                "type": "charge",
                "payout_id": 12 + o // 10,
                "currency": "USD",
                "source_id": 80000 + o,
                "amount": _sum(q * p for oo, _, _, q, p in lines if oo == o) - (2 if o % 6 == 0 else 0),
                "fee": "0.50",
                "net": _sum(q * p for oo, _, _, q, p in lines if oo == o) - (2 if o % 6 == 0 else 0),
                "processed_at": day(o),
                "source_order_id": 5000 + o,
            }
            for o in range(60)
        ],
        "payouts": [
            {"id": 12 + n, "status": "paid", "date": str(_moment(n * 10).date()), "currency": "USD", "amount": "500.00"}
            for n in range(6)
        ],
        "discount_codes": [
            {
                "id": 21 + n,
                "price_rule_id": 41 + n,
                "code": f"CODE{n}",
                "usage_count": n,
                "created_at": day(n),
                "updated_at": day(n),
            }
            for n in range(4)
        ],
        "price_rules": [
            {
                "id": 41 + n,
                "title": f"Rule {n}",
                "value_type": "percentage",
                "value": "-10.0",
                "starts_at": day(n),
                "ends_at": day(n + 30),
                "created_at": day(n),
            }
            for n in range(4)
        ],
    }
    small = (
        "articles blogs collects collections custom_collections smart_collections countries disputes draft_orders "
        "fulfillment_orders metafield_customers metafield_orders metafield_products metafield_shops order_agreements "
        "order_risks pages product_images profile_location_groups events deleted_products"
    ).split()
    for n, name in enumerate(small):
        tables[name] = [
            {
                "id": 100 * n + i,
                "title": f"{name} {i}",
                "handle": f"{name}-{i}",
                "created_at": day(i),
                "updated_at": day(i),
                "owner_id": 7 * n + i,
                "namespace": "global",
                "key": f"k{i}",
                "value": f"v{i}",
                "sort_order": i,
                "published": "true",
            }
            for i in range(6)
        ]
    assert len(tables) == 43
    for name, rows in tables.items():
        _csv(folder / f"{name}.csv", rows)
    return {
        "customers": 20,
        "products": 8,
        "lines": len(lines),
        "net": _sum(q * p for *_, q, p in lines),
        "orders": 60,
        "discount": Decimal("20.00"),
    }


# ------------------------------------------------------------------------------------------------ WooCommerce


def woocommerce(folder: Path) -> Totals:
    """The analytics tables of the shop's own database; some orders failed or were cancelled."""
    database = sqlite3.connect(folder / "shop.db")
    people = [_person(n) for n in range(16)]
    lines = list(_lines(50))
    status = lambda o: "wc-cancelled" if o % 12 == 5 else "wc-failed" if o % 25 == 7 else "wc-completed"  # noqa: E731
    _table(
        database,
        "wp_wc_customer_lookup",
        [
            {
                "customer_id": n + 1,
                "user_id": n + 101,
                "username": f"user{n}",
                "first_name": g,
                "last_name": f,
                "email": e,
                "date_last_active": str(_moment(n + 40)),
                "date_registered": str(_moment(n)),
                "country": "ES",
                "postcode": f"080{n:02d}",
                "city": "Barcelona",
                "state": "B",
            }
            for n, (g, f, e) in enumerate(people)
        ],
    )
    _table(
        database,
        "wp_wc_order_stats",
        [
            {
                "order_id": 900 + o,
                "parent_id": 0,
                "date_created": str(_moment(o)),
                "date_created_gmt": str(_moment(o) - timedelta(hours=1)),
                "num_items_sold": sum(q for oo, _, _, q, _ in lines if oo == o),
                "total_sales": float(_sum(q * p for oo, _, _, q, p in lines if oo == o)),
                "tax_total": 0.0,
                "shipping_total": 0.0,
                "net_total": float(_sum(q * p for oo, _, _, q, p in lines if oo == o)),
                "returning_customer": o % 2,
                "status": status(o),
                "customer_id": o * 3 % 16 + 1,
            }
            for o in range(50)
        ],
    )
    _table(
        database,
        "wp_wc_order_product_lookup",
        [
            {
                "order_item_id": 4000 + i,
                "order_id": 900 + o,
                "product_id": 60 + t,
                "variation_id": 0,
                "customer_id": o * 3 % 16 + 1,
                "date_created": str(_moment(o)),
                "product_qty": q,
                "product_net_revenue": float(q * p),
                "product_gross_revenue": float(q * p),
                "coupon_amount": 0.0,
                "tax_amount": 0.0,
                "shipping_amount": 0.0,
                "shipping_tax_amount": 0.0,
            }
            for i, (o, _, t, q, p) in enumerate(lines)
        ],
    )
    _table(
        database,
        "wp_wc_product_meta_lookup",
        [
            {
                "product_id": 60 + t,
                "sku": f"SKU-{t}",
                "virtual": 0,
                "downloadable": 0,
                "min_price": float(PRICES[t]),
                "max_price": float(PRICES[t]),
                "onsale": 0,
                "stock_quantity": 10.0,
                "stock_status": "instock",
                "rating_count": 0,
                "average_rating": 0.0,
                "total_sales": 5,
            }
            for t in range(len(THINGS))
        ],
    )
    _table(
        database,
        "wp_users",
        [
            {
                "ID": 1,
                "user_login": "admin",
                "user_pass": "$P$B55D6LjfHDkINU5wF",
                "user_nicename": "admin",
                "user_email": "admin@shop.example",
                "user_registered": "2024-01-01 00:00:00",
                "user_activation_key": "",
                "display_name": "admin",
            }
        ],
    )
    _table(
        database,
        "wp_woocommerce_api_keys",
        [
            {
                "key_id": 1,
                "user_id": 1,
                "description": "app",
                "consumer_key": "ck_9f",
                "consumer_secret": "cs_77aa",
                "nonces": "",
            }
        ],
    )
    database.commit()
    database.close()
    good = [(o, q, p) for o, _, _, q, p in lines if status(o) == "wc-completed"]
    return {"customers": 16, "lines": len(good), "net": _sum(q * p for _, q, p in good)}


def _table(database: sqlite3.Connection, name: str, rows: Sequence[Row]) -> None:
    columns = ", ".join(f'"{column}"' for column in rows[0])
    kinds = {int: "integer", float: "real"}
    typed = ", ".join(f'"{column}" {kinds.get(type(value), "text")}' for column, value in rows[0].items())
    database.execute(f'create table "{name}" ({typed})')
    marks = ", ".join("?" * len(rows[0]))
    database.executemany(f'insert into "{name}" ({columns}) values ({marks})', [[*row.values()] for row in rows])


# ------------------------------------------------------------------------------------------------ Stripe


def stripe(folder: Path) -> Totals:
    """Objects of the API as JSON lines, amounts in cents: the same payment as charge, payment intent, balance and invoice."""
    people = [_person(n) for n in range(12)]
    charges = []
    for n in range(70):
        is_failed = n % 5 == 3
        charges.append(
            {
                "id": f"ch_{n:05d}",
                "object": "charge",
                "amount": 1000 + n * 37 % 4000,
                "amount_refunded": 0,
                "currency": "eur",
                "customer": f"cus_{n * 5 % 12:04d}",
                "created": int(_moment(n).timestamp()),
                "paid": not is_failed,
                "status": "failed" if is_failed else "succeeded",
                "refunded": False,
                "description": "Order",
                "payment_intent": f"pi_{n:05d}",
                "invoice": None,
                "balance_transaction": f"txn_{n:05d}",
                "livemode": True,
                "receipt_email": people[n * 5 % 12][2],
                "payment_method": f"pm_{n % 12:04d}",
                "fingerprint": f"fp{n % 12:014d}",
            }
        )
    good = [c for c in charges if c["status"] == "succeeded"]
    _jsonl(folder / "charges.jsonl", charges)
    _jsonl(
        folder / "payment_intents.jsonl",
        [
            {
                "id": c["payment_intent"],
                "object": "payment_intent",
                "amount": c["amount"],
                "currency": "eur",
                "customer": c["customer"],
                "created": c["created"],
                "status": "succeeded" if c["paid"] else "requires_payment_method",
                "latest_charge": c["id"],
                "client_secret": f"{c['payment_intent']}_secret_x",
            }
            for c in charges
        ],
    )
    _jsonl(
        folder / "balance_transactions.jsonl",
        [
            {
                "id": c["balance_transaction"],
                "object": "balance_transaction",
                "amount": c["amount"],
                "fee": 30,
                "net": int(str(c["amount"])) - 30,
                "currency": "eur",
                "created": c["created"],
                "source": c["id"],
                "type": "charge",
                "status": "available",
            }
            for c in good
        ],
    )
    _jsonl(
        folder / "customers.jsonl",
        [
            {
                "id": f"cus_{n:04d}",
                "object": "customer",
                "email": e,
                "name": f"{g} {f}",
                "phone": None,
                "created": int(_moment(n).timestamp()),
                "currency": "eur",
                "delinquent": False,
                "livemode": True,
                "default_source": None,
            }
            for n, (g, f, e) in enumerate(people)
        ],
    )
    _jsonl(
        folder / "payment_methods.jsonl",
        [
            {
                "id": f"pm_{n:04d}",
                "object": "payment_method",
                "customer": f"cus_{n:04d}",
                "type": "card",
                "card_brand": "visa",
                "card_last4": f"{4000 + n}",
                "created": int(_moment(n).timestamp()),
            }
            for n in range(12)
        ],
    )
    _jsonl(
        folder / "payouts.jsonl",
        [
            {
                "id": f"po_{n}",
                "object": "payout",
                "amount": 20000 + n,
                "currency": "eur",
                "created": int(_moment(n * 9).timestamp()),
                "arrival_date": int(_moment(n * 9 + 2).timestamp()),
                "status": "paid",
            }
            for n in range(6)
        ],
    )
    return {"customers": 12, "lines": len(good), "net": _sum(c["amount"] for c in good) / 100}


def _jsonl(path: Path, rows: Iterable[Row]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


# ------------------------------------------------------------------------------------------------ Salesforce


def salesforce(folder: Path) -> Totals:
    """The weekly export: contacts and cases; users are the company's own people."""
    stamp = lambda n: _moment(n).strftime("%Y-%m-%dT%H:%M:%S.000+0000")  # noqa: E731
    _csv(
        folder / "Contact.csv",
        [
            {
                "Id": f"003A{n:011d}",
                "IsDeleted": "0",
                "AccountId": f"001A{n % 6:011d}",
                "LastName": f,
                "FirstName": g,
                "Salutation": "",
                "MailingStreet": f"Calle {n}",
                "MailingCity": "Bilbao",
                "MailingState": "BI",
                "MailingPostalCode": f"480{n:02d}",
                "MailingCountry": "Spain",
                "Phone": f"+3494410{n:04d}",
                "MobilePhone": "",
                "Email": e,
                "Title": "Buyer",
                "LeadSource": "Web",
                "Birthdate": f"19{60 + n % 30}-03-0{n % 9 + 1}",
                "OwnerId": f"005A{n % 3:011d}",
                "HasOptedOutOfEmail": "0",
                "CreatedDate": stamp(n),
                "LastModifiedDate": stamp(n + 3),
                "SystemModstamp": stamp(n + 3),
            }
            for n, (g, f, e) in enumerate(_person(n) for n in range(24))
        ],
    )
    _csv(
        folder / "Account.csv",
        [
            {
                "Id": f"001A{n:011d}",
                "IsDeleted": "0",
                "Name": f"Company {n}",
                "Type": "Customer",
                "BillingStreet": f"Gran Via {n}",
                "BillingCity": "Bilbao",
                "BillingPostalCode": "48001",
                "BillingCountry": "Spain",
                "Phone": f"+3494420{n:04d}",
                "Website": f"c{n}.example",
                "Industry": "Retail",
                "NumberOfEmployees": 10 + n,
                "OwnerId": f"005A{n % 3:011d}",
                "CreatedDate": stamp(n),
                "LastModifiedDate": stamp(n),
                "SystemModstamp": stamp(n),
            }
            for n in range(6)
        ],
    )
    kinds = ("Question", "Problem", "Complaint", "Feature Request")
    _csv(
        folder / "Case.csv",
        [
            {
                "Id": f"500A{n:011d}",
                "IsDeleted": "0",
                "CaseNumber": f"{1000 + n:08d}",
                "ContactId": f"003A{n * 5 % 24:011d}",
                "AccountId": f"001A{n * 5 % 24 % 6:011d}",
                "SuppliedEmail": "",
                "Type": kinds[n % 4],
                "Status": "Closed" if n % 3 else "New",
                "Reason": "",
                "Origin": ("Phone", "Email", "Web")[n % 3],
                "Subject": f"Case {n}",
                "Priority": "Medium",
                "Description": "",
                "IsClosed": "1" if n % 3 else "0",
                "ClosedDate": stamp(n + 2) if n % 3 else "",
                "OwnerId": f"005A{n % 3:011d}",
                "CreatedDate": stamp(n),
                "LastModifiedDate": stamp(n + 2),
                "SystemModstamp": stamp(n + 2),
            }
            for n in range(40)
        ],
    )
    _csv(
        folder / "User.csv",
        [
            {
                "Id": f"005A{n:011d}",
                "Username": f"agent{n}@company.example",
                "LastName": f"Agent{n}",
                "FirstName": "Sam",
                "CompanyName": "Us",
                "Department": "Sales",
                "Title": "Agent",
                "Email": f"agent{n}@company.example",
                "Phone": f"+3460000000{n}",
                "IsActive": "1",
                "UserRoleId": "00E1",
                "ProfileId": "00e1",
                "EmployeeNumber": f"{n}",
                "ManagerId": "",
                "CreatedDate": stamp(0),
                "LastModifiedDate": stamp(1),
                "SystemModstamp": stamp(1),
            }
            for n in range(3)
        ],
    )
    return {"customers": 24, "interactions": 40, "complaints": 10}


# ------------------------------------------------------------------------------------------------ a star schema


def star_schema(folder: Path) -> Totals:
    """A fact of sales by surrogate keys and its dimensions; days are numbers such as 20250131."""
    days = [_moment(n).date() for n in range(170)]
    _csv(
        folder / "DimCustomer.csv",
        [
            {
                "CustomerKey": 11000 + n,
                "CustomerAlternateKey": f"AW{n:08d}",
                "FirstName": g,
                "LastName": f,
                "EmailAddress": e,
                "BirthDate": f"19{55 + n % 40}-05-0{n % 9 + 1}",
                "YearlyIncome": 30000 + n,
                "AddressLine1": f"Street {n}",
                "Phone": f"+3460020{n:04d}",
                "DateFirstPurchase": str(days[n]),
            }
            for n, (g, f, e) in enumerate(_person(n) for n in range(30))
        ],
    )
    _csv(
        folder / "DimProduct.csv",
        [
            {
                "ProductKey": 210 + t,
                "ProductAlternateKey": f"P-{t}",
                "ProductName": thing,
                "Category": "Things" if t % 2 else "Home",
                "StandardCost": f"{Decimal(PRICES[t]) / 2:.2f}",
                "ListPrice": PRICES[t],
                "Color": "Blue",
            }
            for t, thing in enumerate(THINGS)
        ],
    )
    _csv(
        folder / "DimDate.csv",
        [
            {
                "DateKey": f"{d:%Y%m%d}",
                "FullDate": str(d),
                "DayName": f"{d:%A}",
                "MonthName": f"{d:%B}",
                "CalendarYear": d.year,
            }
            for d in sorted(set(days))
        ],
    )
    _csv(
        folder / "DimEmployee.csv",
        [
            {
                "EmployeeKey": n,
                "FirstName": "Sam",
                "LastName": f"Seller{n}",
                "Title": "Sales",
                "HireDate": "2019-04-01",
                "BirthDate": "1980-01-01",
                "EmailAddress": f"sam{n}@us.example",
                "Phone": f"+3460000010{n}",
                "DepartmentName": "Sales",
                "StartDate": "2019-04-01",
            }
            for n in range(1, 6)
        ],
    )
    _csv(
        folder / "DimStore.csv",
        [
            {
                "StoreKey": n,
                "StoreName": f"Store {n}",
                "StorePhone": f"+3491000000{n}",
                "AddressLine1": f"Plaza {n}",
                "City": "Leon",
                "OpenDate": "2015-01-01",
            }
            for n in range(1, 4)
        ],
    )
    lines = list(_lines(90))
    _csv(
        folder / "FactSales.csv",
        [
            {
                "SalesOrderNumber": f"SO{43000 + o}",
                "SalesOrderLineNumber": line + 1,
                "OrderDateKey": f"{_moment(o):%Y%m%d}",
                "DueDateKey": f"{_moment(o + 7):%Y%m%d}",
                "CustomerKey": 11000 + o * 7 % 30,
                "ProductKey": 210 + t,
                "EmployeeKey": 1 + o % 5,
                "StoreKey": 1 + o % 3,
                "OrderQuantity": q,
                "UnitPrice": p,
                "DiscountAmount": "0.00",
                "SalesAmount": q * p,
                "TotalProductCost": f"{q * p / 2:.2f}",
                "TaxAmt": "0.00",
            }
            for o, line, t, q, p in lines
        ],
    )
    return {
        "customers": 30,
        "products": 8,
        "lines": len(lines),
        "net": _sum(q * p for *_, q, p in lines),
        "first_day": str(min(_moment(o).date() for o in range(90))),
        "last_day": str(max(_moment(o).date() for o in range(90))),
    }


# ------------------------------------------------------------------------------------------------ a Spanish ERP


def spanish_erp(folder: Path) -> Totals:
    """Semicolons, decimal commas, cp1252; heads and lines of delivery notes in two files, and returns in a third."""
    comma = lambda amount: f"{amount:.2f}".replace(".", ",")  # noqa: E731
    dated = lambda n: f"{_moment(n):%d/%m/%Y}"  # noqa: E731
    _csv(
        folder / "clientes.csv",
        [
            {
                "CodCliente": f"C{n:04d}",
                "Nombre": g,
                "Apellidos": f"{f} Muñoz",
                "NIF": f"{12345678 + n}Z",
                "Dirección": f"C/ Mayor {n}",
                "CP": f"240{n:02d}",
                "Población": "León",
                "Provincia": "León",
                "Teléfono": f"60030{n:04d}",
                "Correo": e,
                "FechaAlta": dated(n),
            }
            for n, (g, f, e) in enumerate(_person(n) for n in range(18))
        ],
        ";",
        "cp1252",
    )
    _csv(
        folder / "articulos.csv",
        [
            {
                "CodArticulo": f"A{t:03d}",
                "Descripción": thing,
                "Familia": "Hogar",
                "PrecioCoste": comma(Decimal(PRICES[t]) / 2),
                "PVP": comma(Decimal(PRICES[t])),
            }
            for t, thing in enumerate(THINGS)
        ],
        ";",
        "cp1252",
    )
    _csv(
        folder / "empleados.csv",
        [
            {
                "CodEmpleado": n,
                "Nombre": "Pepe",
                "Apellidos": f"García{n}",
                "NIF": f"{22345678 + n}Z",
                "Correo": f"pepe{n}@nosotros.example",
                "FechaContratación": dated(n),
                "Salario": comma(Decimal(1500 + n)),
                "Teléfono": f"60040{n:04d}",
            }
            for n in range(1, 5)
        ],
        ";",
        "cp1252",
    )
    lines = list(_lines(55))
    _csv(
        folder / "cabecera_pedidos.csv",
        [
            {
                "NumPedido": f"P25-{o:05d}",
                "Fecha": dated(o),
                "CodCliente": f"C{o * 5 % 18:04d}",
                "CodEmpleado": 1 + o % 4,
                "Descuento": comma(Decimal("1.50") if o % 5 == 0 else Decimal(0)),
                "Portes": comma(Decimal("3.00") if o % 2 else Decimal(0)),
                "Estado": "Servido",
            }
            for o in range(55)
        ],
        ";",
        "cp1252",
    )
    _csv(
        folder / "lineas_pedido.csv",
        [
            {
                "NumPedido": f"P25-{o:05d}",
                "Linea": line + 1,
                "CodArticulo": f"A{t:03d}",
                "Unidades": q,
                "Precio": comma(p),
                "Importe": comma(q * p),
            }
            for o, line, t, q, p in lines
        ],
        ";",
        "cp1252",
    )
    returned = [(o, t, p) for o, line, t, _, p in lines if line == 0 and o % 11 == 6]
    _csv(
        folder / "devoluciones.csv",
        [
            {
                "NumDevolucion": f"D25-{n:04d}",
                "NumPedido": f"P25-{o:05d}",
                "Fecha": dated(o + 5),
                "CodCliente": f"C{o * 5 % 18:04d}",
                "CodArticulo": f"A{t:03d}",
                "Unidades": 1,
                "Importe": comma(p),
            }
            for n, (o, t, p) in enumerate(returned)
        ],
        ";",
        "cp1252",
    )
    return {
        "customers": 18,
        "products": 8,
        "lines": len(lines) + len(returned),
        "net": _sum(q * p for *_, q, p in lines) - _sum(p for *_, p in returned),
        "returns": len(returned),
        "orders": 55,
        "discount": Decimal("1.50") * 11,
        "shipping": Decimal("3.00") * 27,
    }


# ------------------------------------------------------------------------------------------------ a telco


def telco(folder: Path) -> Totals:
    """One row a customer, the contract among its columns, its start only as months of tenure."""
    rows = [
        {
            "customerID": f"{7000 + n}-{chr(65 + n % 26)}HVEG",
            "gender": "Female" if n % 2 else "Male",
            "SeniorCitizen": int(n % 7 == 0),
            "Partner": "Yes" if n % 3 else "No",
            "Dependents": "No",
            "tenure": n * 7 % 72 + 1,
            "PhoneService": "Yes",
            "InternetService": "Fiber optic",
            "OnlineSecurity": "No",
            "StreamingTV": "Yes",
            "Contract": ("Month-to-month", "One year", "Two year")[n % 3],
            "PaperlessBilling": "Yes",
            "PaymentMethod": "Electronic check",
            "MonthlyCharges": f"{20 + n % 80}.{n % 10}5",
            "TotalCharges": f"{(20 + n % 80) * (n * 7 % 72 + 1)}.50",
            "Churn": "Yes" if n % 4 == 1 else "No",
        }
        for n in range(120)
    ]
    _csv(folder / "Telco-Customer-Churn.csv", rows)
    return {
        "customers": 120,
        "contracts": 120,
        "recurring": _sum(row["MonthlyCharges"] for row in rows),
        "cancelled": sum(row["Churn"] == "Yes" for row in rows),
    }
