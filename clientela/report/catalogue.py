"""Everything that the report says, in the company's language: sentences, labels, and how numbers, amounts and days are written.

All of it stands in one catalogue, `seeds/texts.csv` (key, es, en), which dbt loads too. A sentence has places in braces for
what is computed; `KEY.one` is what is said where `count` is 1. What is said when stands in `sections`.
"""

import csv
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, get_currency_precision

from clientela.project_files import PROJECT

CATALOGUE = PROJECT / "seeds" / "texts.csv"
#: amounts below it are written with the currency's smallest unit
EXACT_BELOW = 1000


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Key → text in that language."""
    with CATALOGUE.open(encoding="utf-8", newline="") as file:
        return {row["key"]: row[language] for row in csv.DictReader(file)}


class Texts:
    """The catalogue in one language, for amounts of one currency and instants of one time zone."""

    def __init__(self, language: str, currency: str, zone: ZoneInfo | None = None) -> None:
        self.language = language
        self.currency = currency
        self.zone = zone or ZoneInfo("UTC")
        self._texts = catalogue(language)
        self._locale = Locale.parse(self._texts["format.locale"])

    def __call__(self, key: str, /, *, count: float | None = None, **values: str) -> str:
        """The text of that key, its places filled; with `count`, its singular where that is 1. KeyError if there is none."""
        if count == 1 and f"{key}.one" in self._texts:
            key = f"{key}.one"
        if count is not None:
            values = {"count": self.number(count), **values}
        text = self._texts[key]
        return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], text)

    def label(self, kind: str, value: Any) -> str:
        """How a value of a mart is called: by the catalogue where it knows it, else as the company calls it."""
        if value is None:
            return self("label.none")
        return self._texts.get(f"{kind}.{str(value).lower().replace(' ', '_')}", str(value))

    def number(self, value: float | Decimal | None, digits: int = 0) -> str:
        """`12.345` or `12,345`, with so many decimals."""
        if value is None:
            return self("label.none")
        pattern = "#,##0" + (f".{'0' * digits}" if digits else "")
        return _minus(format_decimal(value, format=pattern, locale=self._locale))

    def amount(self, value: float | Decimal | None, *, exact: bool | None = None) -> str:
        """Money of the company's currency; `exact`: to its smallest unit, by default where it is small."""
        if value is None:
            return self("label.none")
        if exact is None:
            exact = abs(float(value)) < EXACT_BELOW and float(value) != round(float(value))
        digits = get_currency_precision(self.currency) if exact else 0
        number = "#,##0" + (f".{'0' * digits}" if digits else "")
        pattern = self._texts["format.amount"].replace("#", number, 1)
        return _minus(format_currency(value, self.currency, format=pattern, locale=self._locale, currency_digits=False))

    def signed(self, value: float | Decimal, text: str) -> str:
        """The text of a figure with its sign, also where it is positive."""
        return f"+{text}" if value > 0 else text

    def share(self, value: float | None, digits: int = 0) -> str:
        """A share of 1 in percent."""
        if value is None:
            return self("label.none")
        if 0 < abs(value) < 0.005 and not digits:
            digits = 1
        return self._texts["format.share"].replace("#", self.number(100 * value, digits), 1)

    def day(self, value: date) -> str:
        return str(format_date(value, format=self._texts["format.day"], locale=self._locale))

    def month(self, value: date) -> str:
        """`March 2026`"""
        return str(format_date(value, format=self._texts["format.month"], locale=self._locale))

    def short_month(self, value: date) -> str:
        """`Mar 26`"""
        return str(format_date(value, format=self._texts["format.short_month"], locale=self._locale))

    def instant(self, value: datetime) -> str:
        """Day and time of the company's own clock."""
        local = value.astimezone(self.zone)
        return str(format_datetime(local, format=self._texts["format.instant"], locale=self._locale))

    def listed(self, parts: list[str]) -> str:
        """`a, b and c`"""
        if len(parts) < 2:
            return "".join(parts)
        return self("format.and", first=", ".join(parts[:-1]), last=parts[-1])


def _minus(text: str) -> str:
    """The sign that is read as minus, not as a hyphen."""
    return text.replace("-", "\u2212")
