"""More public layouts, rebuilt small and invented: flat files of sales, two teaching databases, a mailing tool's audience.

As in `layouts`: each function writes a folder or a database, and gives totals summed here from the rows themselves.
"""

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from tests.unit.onboard.layouts import (
    PRICES,
    THINGS,
    Row,
    Totals,
    _csv,
    _lines,
    _moment,
    _person,
    _sum,
    _table,
)

CENT = Decimal("0.01")


def online_retailer(folder: Path) -> Totals:
    """One file of invoice lines without a line number: equal lines of one invoice, cancellations, sales to nobody."""
    rows: list[Row] = []
    for order, line, product, quantity, price in _lines(60):
        is_cancelled = order % 12 == 7
        row = {
            "InvoiceNo": f"{'C' * is_cancelled}{536300 + order}",
            "StockCode": f"85{product:03d}{'A' * (product % 2)}",
            "Description": THINGS[product].upper(),
            "Quantity": -quantity if is_cancelled else quantity,
            "InvoiceDate": f"{_moment(order):%m/%d/%Y %H:%M}",
            "UnitPrice": price,
            "CustomerID": "" if order % 9 == 4 else 12300 + order % 17,
            "Country": "Spain" if order % 17 % 5 == 0 else "United Kingdom",
        }
        # the same article twice on one receipt
        rows += [row] * (2 if (order, line) in ((3, 0), (20, 1), (41, 0)) else 1)
    _csv(folder / "online_retail.csv", rows)
    return {
        "customers": len({row["CustomerID"] for row in rows} - {""}),
        "products": len({row["StockCode"] for row in rows}),
        "lines": len(rows),
        "net": _sum(row["Quantity"] * row["UnitPrice"] for row in rows),
        "returns": sum(row["Quantity"] < 0 for row in rows),
    }


def superstore(folder: Path) -> Totals:
    """One flat file of sales that repeats customer and product on every line; discounts are shares, costs told by the profit."""
    rows: list[Row] = []
    for number, (order, _, product, quantity, price) in enumerate(_lines(70), 1):
        given, family, _ = _person(order % 19)
        discount = Decimal("0.2") if order % 4 == 1 else Decimal(0)
        sales = (quantity * price * (1 - discount)).quantize(CENT)
        rows.append(
            {
                "Row ID": number,
                "Order ID": f"CA-2025-{100100 + order}",
                "Order Date": f"{_moment(order):%m/%d/%Y}",
                "Ship Date": f"{_moment(order + 3):%m/%d/%Y}",
                "Ship Mode": "Second Class" if order % 2 else "Standard Class",
                "Customer ID": f"{given[0]}{family[0]}-{10100 + order % 19}",
                "Customer Name": f"{given} {family}",
                "Segment": "Consumer" if order % 19 % 2 else "Corporate",
                "Country": "United States",
                "City": "Henderson",
                "State": "Kentucky",
                "Postal Code": 42420,
                "Region": "South",
                "Product ID": f"FUR-{product:02d}-{1000 + product}",
                "Category": "Furniture" if product % 2 else "Office Supplies",
                "Sub-Category": "Chairs",
                "Product Name": THINGS[product],
                "Sales": sales,
                "Quantity": quantity,
                "Discount": discount,
                "Profit": (sales / 5).quantize(CENT),
            }
        )
    _csv(folder / "superstore.csv", rows, encoding="cp1252")
    return {
        "customers": len({row["Customer ID"] for row in rows}),
        "products": len({row["Product ID"] for row in rows}),
        "lines": len(rows),
        "net": _sum(row["Sales"] for row in rows),
    }


def purchase_log(folder: Path) -> Totals:
    """A music shop's log without a header: customer, day, discs, amount; two equal purchases of one day are two."""
    rows = [(1 + n * 7 % 40, f"{_moment(n):%Y%m%d}", 1 + n % 3, Decimal(PRICES[n % 8])) for n in range(150)]
    rows += [rows[10], rows[44]]
    text = "".join(f"{who:05d},{day},{discs},{amount}\n" for who, day, discs, amount in rows)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cd_purchases.txt").write_text(text, encoding="utf-8")
    return {"lines": len(rows), "net": _sum(amount for *_, amount in rows)}


def northwind(folder: Path) -> Totals:
    """Orders and their details in SQLite, between employees, suppliers and shippers; the discount of a line is a share."""
    lines = list(_lines(50))
    details: list[Row] = [
        {
            "OrderID": 10248 + order,
            "ProductID": 1 + product,
            "UnitPrice": float(price),
            "Quantity": quantity,
            "Discount": 0.25 if order % 5 == 2 else 0.0,
        }
        for order, line, product, quantity, price in lines
    ]
    freight = {order: Decimal(300 + order * 7 % 50) / 100 for order in range(50)}
    address = {"Address": "Calle 1", "City": "Leon", "Region": "", "PostalCode": "24001", "Country": "Spain"}
    tables: dict[str, list[Row]] = {
        "Categories": [{"CategoryID": 1 + n, "CategoryName": f"Group {n}", "Description": "x"} for n in range(3)],
        "Customers": [
            {
                "CustomerID": f"CUST{chr(65 + n)}",
                "CompanyName": f"{_person(n)[1]} y Cia",
                "ContactName": " ".join(_person(n)[:2]),
                "ContactTitle": "Owner",
                **address,
                "Phone": f"+3460022{n:04d}",
                "Fax": "",
            }
            for n in range(15)
        ],
        "Employees": [
            {
                "EmployeeID": 1 + n,
                "LastName": "Member",
                "FirstName": f"Staff{n}",
                "Title": "Sales Representative",
                "BirthDate": "1980-05-01",
                "HireDate": "2012-05-01",
                **address,
                "HomePhone": f"(5) {n}",
                "Extension": f"{n}",
                "ReportsTo": 1,
            }
            for n in range(5)
        ],
        "Suppliers": [
            {"SupplierID": 1 + n, "CompanyName": f"Maker {n}", "ContactName": f"Agent {n}", **address, "Phone": f"{n}"}
            for n in range(4)
        ],
        "Shippers": [{"ShipperID": 1 + n, "CompanyName": f"Post {n}", "Phone": f"{n}"} for n in range(3)],
        "Products": [
            {
                "ProductID": 1 + n,
                "ProductName": thing,
                "SupplierID": 1 + n % 4,
                "CategoryID": 1 + n % 3,
                "QuantityPerUnit": "1 box",
                "UnitPrice": float(PRICES[n]),
                "UnitsInStock": 10 + n,
                "ReorderLevel": 5,
                "Discontinued": 0,
            }
            for n, thing in enumerate(THINGS)
        ],
        "Orders": [
            {
                "OrderID": 10248 + order,
                "CustomerID": f"CUST{chr(65 + order * 4 % 15)}",
                "EmployeeID": 1 + order % 5,
                "OrderDate": f"{_moment(order):%Y-%m-%d}",
                "RequiredDate": f"{_moment(order + 20):%Y-%m-%d}",
                "ShippedDate": f"{_moment(order + 4):%Y-%m-%d}",
                "ShipVia": 1 + order % 3,
                "Freight": float(freight[order]),
                "ShipName": "x",
                "ShipCity": "Leon",
                "ShipCountry": "Spain",
            }
            for order in range(50)
        ],
        "Order Details": details,
        "Region": [{"RegionID": 1, "RegionDescription": "South"}],
        "Territories": [{"TerritoryID": "24", "TerritoryDescription": "Leon", "RegionID": 1}],
        "EmployeeTerritories": [{"EmployeeID": 1, "TerritoryID": "24"}],
    }
    _database(folder, tables)
    nets = [Decimal(str(row["UnitPrice"])) * row["Quantity"] * (1 - Decimal(str(row["Discount"]))) for row in details]
    return {
        "customers": 15,
        "products": len(THINGS),
        "orders": 50,
        "lines": len(details),
        "net": _sum(nets),
        "shipping": _sum(freight.values()),
    }


def chinook(folder: Path) -> Totals:
    """A shop of music in SQLite: invoices whose total is that of their lines, among tracks, albums, genres and playlists."""
    lines = list(_lines(55))
    tables: dict[str, list[Row]] = {
        "Artist": [{"ArtistId": 1 + n, "Name": f"Band {n}"} for n in range(4)],
        "Album": [{"AlbumId": 1 + n, "Title": f"Album {n}", "ArtistId": 1 + n % 4} for n in range(6)],
        "Genre": [{"GenreId": 1 + n, "Name": name} for n, name in enumerate(("Rock", "Jazz"))],
        "MediaType": [{"MediaTypeId": 1, "Name": "MPEG"}],
        "Track": [
            {
                "TrackId": 1 + n,
                "Name": f"{thing} Song",
                "AlbumId": 1 + n % 6,
                "MediaTypeId": 1,
                "GenreId": 1 + n % 2,
                "Composer": "",
                "Milliseconds": 200000 + n,
                "Bytes": 900000 + n,
                "UnitPrice": float(PRICES[n]),
            }
            for n, thing in enumerate(THINGS)
        ],
        "Playlist": [{"PlaylistId": 1, "Name": "Music"}],
        "PlaylistTrack": [{"PlaylistId": 1, "TrackId": 1 + n} for n in range(8)],
        "Employee": [
            {
                "EmployeeId": 1 + n,
                "LastName": "Member",
                "FirstName": f"Staff{n}",
                "Title": "Sales Support Agent",
                "ReportsTo": 1,
                "BirthDate": "1980-02-18 00:00:00",
                "HireDate": "2012-08-14 00:00:00",
                "Phone": f"+3460033{n:04d}",
                "Email": f"staff{n}@shop.example",
            }
            for n in range(4)
        ],
        "Customer": [
            {
                "CustomerId": 1 + n,
                "FirstName": _person(n)[0],
                "LastName": _person(n)[1],
                "Company": "",
                "Address": f"Calle {n}",
                "City": "Leon",
                "State": "",
                "Country": "Spain",
                "PostalCode": "24001",
                "Phone": f"+3460044{n:04d}",
                "Fax": "",
                "Email": _person(n)[2],
                "SupportRepId": 1 + n % 4,
            }
            for n in range(20)
        ],
        "Invoice": [
            {
                "InvoiceId": 1 + order,
                "CustomerId": 1 + order * 3 % 20,
                "InvoiceDate": f"{_moment(order):%Y-%m-%d} 00:00:00",
                "BillingAddress": "Calle 1",
                "BillingCity": "Leon",
                "BillingState": "",
                "BillingCountry": "Spain",
                "BillingPostalCode": "24001",
                "Total": float(_sum(q * p for o, _, _, q, p in lines if o == order)),
            }
            for order in range(55)
        ],
        "InvoiceLine": [
            {"InvoiceLineId": 1 + n, "InvoiceId": 1 + o, "TrackId": 1 + t, "UnitPrice": float(p), "Quantity": q}
            for n, (o, _, t, q, p) in enumerate(lines)
        ],
    }
    _database(folder, tables)
    return {
        "customers": 20,
        "products": len(THINGS),
        "orders": 55,
        "lines": len(lines),
        "net": _sum(q * p for _, _, _, q, p in lines),
    }


def mailchimp(folder: Path) -> Totals:
    """A mailing tool's audiences: members of two lists with their status, campaigns, and what was opened and clicked."""
    statuses = ("subscribed", "subscribed", "unsubscribed", "cleaned")
    day = lambda n: f"{_moment(n).isoformat()}+00:00"  # noqa: E731
    members: list[Row] = [
        {
            "id": f"{n:032x}",
            "list_id": f"a{n % 2}b1c2d3",
            "email_address": _person(n)[2],
            "unique_email_id": f"{n + 77:010x}",
            "full_name": " ".join(_person(n)[:2]),
            "email_type": "html",
            "status": statuses[n % 4],
            "ip_signup": "",
            "timestamp_signup": day(n),
            "ip_opt": "192.0.2.7",
            "timestamp_opt": day(n),
            "member_rating": 2 + n % 4,
            "last_changed": day(n + 30),
            "language": "es",
            "vip": "false",
            "email_client": "Gmail",
            "country_code": "ES",
            "source": "API - Generic",
        }
        for n in range(40)
    ]
    tables: dict[str, list[Row]] = {
        "members": members,
        "lists": [
            {
                "id": f"a{n}b1c2d3",
                "name": f"Audience {n}",
                "permission_reminder": "You asked for it",
                "contact_company": "The Corner",
                "contact_city": "Leon",
                "date_created": day(0),
                "visibility": "pub",
                "default_from_name": "Corner",
                "default_from_email": "news@corner.example",
            }
            for n in range(2)
        ],
        "campaigns": [
            {
                "id": f"c{n:09x}",
                "type": "regular",
                "create_time": day(20 + n),
                "send_time": day(21 + n),
                "status": "sent",
                "emails_sent": 40,
                "list_id": "a0b1c2d3",
                "subject_line": f"News {n}",
                "title": f"News {n}",
                "from_name": "Corner",
                "reply_to": "news@corner.example",
            }
            for n in range(3)
        ],
        "campaign_recipients": [
            {"campaign_id": f"c{c:09x}", "member_id": f"{n:032x}", "list_id": "a0b1c2d3"}
            for c in range(3)
            for n in range(0, 40, 4)
        ],
        "campaign_recipient_activities": [
            {
                "campaign_id": f"c{n % 3:09x}",
                "member_id": f"{n // 6 * 4:032x}",
                "list_id": "a0b1c2d3",
                "action": "click" if n % 3 == 0 else "open",
                "timestamp": day(22 + n),
                "url": "https://corner.example/news" if n % 3 == 0 else "",
                "ip": "192.0.2.9",
            }
            for n in range(25)
        ],
        "segments": [
            {"id": 71 + n, "name": f"Segment {n}", "member_count": 5, "type": "static", "created_at": day(n),
             "updated_at": day(n), "list_id": "a0b1c2d3"}
            for n in range(2)
        ],
        "segment_members": [{"segment_id": 71, "member_id": f"{n:032x}", "list_id": "a0b1c2d3"} for n in range(5)],
        "tags": [{"id": 5, "name": "vip"}],
        "unsubscribes": [
            {"campaign_id": "c000000000", "member_id": row["id"], "list_id": row["list_id"],
             "timestamp": row["last_changed"], "reason": ""}
            for row in members if row["status"] == "unsubscribed"
        ],
        "automations": [{"id": "z1", "create_time": day(1), "start_time": day(2), "status": "sending", "emails_sent": 9}],
        "automation_emails": [{"id": "y1", "automation_id": "z1", "position": 1, "status": "sending", "emails_sent": 9}],
        "automation_recipients": [
            {"automation_email_id": "y1", "member_id": f"{n:032x}", "list_id": "a0b1c2d3"} for n in range(3)
        ],
    }  # fmt: skip
    for name, rows in tables.items():
        _csv(folder / f"{name}.csv", rows)
    return {
        "customers": len(members),
        "consents": len(members),
        "granted": sum(row["status"] == "subscribed" for row in members),
        "last_withdrawn": max(row["last_changed"] for row in members if row["status"] == "unsubscribed")[:10],
    }


def _database(folder: Path, tables: dict[str, list[Row]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / "shop.db")) as database:
        for name, rows in tables.items():
            _table(database, name, rows)
        database.commit()
