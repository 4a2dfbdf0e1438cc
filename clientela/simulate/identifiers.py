"""Tax numbers, telephone numbers and e-mail addresses that are valid for their country, in columns.

What a system makes of them (other notations, typing errors) stands in `records`.
"""

import numpy as np
import polars as pl

from clientela.simulate.streams import Floats, Ints, spread, weighted
from clientela.simulate.words import DE, EN, ES, FR, PL, words

CALLING_CODES = np.array([34, 44, 49, 33, 48], dtype=np.int64)
_DNI_LETTERS = pl.Series(list("TRWAGMYFPDXBNJZSQVHLCKE"))
_UTR_CHECK = np.array([2, 1, 9, 8, 7, 6, 5, 4, 3, 2, 1], dtype=np.int64)

#: per country the first digits of national mobile numbers, and how many digits follow
_MOBILES: dict[int, tuple[tuple[int, ...], int]] = {
    ES: ((60, 61, 62, 63, 64, 65, 66, 67, 69, 71, 72), 7),
    EN: ((740, 742, 745, 747, 750, 752, 773, 774, 777, 785, 788, 796), 7),
    DE: ((160, 170, 171, 172, 173, 174, 175), 7),
    FR: ((61, 62, 64, 66, 67, 68, 76, 77), 7),
    PL: ((50, 51, 60, 66, 69, 72, 78, 79, 88), 7),
}
_LANDLINES: dict[int, tuple[tuple[int, ...], int]] = {
    ES: ((912, 913, 932, 934, 954, 963, 976, 944), 6),
    EN: ((2072, 2083, 1612, 1212, 1132), 6),
    DE: ((302, 892, 402, 692, 221), 6),
    FR: ((142, 145, 478, 491, 561), 6),
    PL: ((226, 122, 713, 616, 583), 6),
}


def mobiles(language: Ints, index: Ints) -> Ints:
    """National significant number of a mobile, distinct for distinct indices of one country (below ten million a prefix)."""
    return _numbers(_MOBILES, language, index, 7_654_321)


def landlines(language: Ints, index: Ints) -> Ints:
    """National significant number of a household's line."""
    return _numbers(_LANDLINES, language, index, 654_321)


def _numbers(plan: dict[int, tuple[tuple[int, ...], int]], language: Ints, index: Ints, multiplier: int) -> Ints:
    result = np.zeros(len(language), dtype=np.int64)
    for country, (prefixes, digits) in plan.items():
        chosen = language == country
        size = 10**digits
        scattered = spread(index[chosen], size * len(prefixes), multiplier * 2 + 1, 3_141_592)
        result[chosen] = np.array(prefixes, dtype=np.int64)[scattered // size] * size + scattered % size
    return result


def tax_ids(language: Ints, index: Ints, birth: Ints, is_female: Ints, rng: np.random.Generator) -> pl.Series:
    """A number with a right check digit: DNI, UTR, IdNr, numéro fiscal or PESEL. `birth` is days since 1970."""
    n = len(language)
    parts: list[pl.Series] = []
    order = np.empty(n, dtype=np.int64)
    at = 0
    for country, make in ((ES, _dni), (EN, _utr), (DE, _idnr), (FR, _spi), (PL, _pesel)):
        chosen = np.flatnonzero(language == country)
        order[chosen] = at + np.arange(len(chosen))
        at += len(chosen)
        parts.append(make(index[chosen], birth[chosen], is_female[chosen], rng))
    return pl.concat(parts).gather(order)


def _padded(values: Ints, width: int) -> pl.Series:
    return pl.Series(values).cast(pl.String).str.zfill(width)


def _digits(values: Ints, width: int) -> Ints:
    return values[:, None] // 10 ** np.arange(width - 1, -1, -1, dtype=np.int64) % 10


def _dni(index: Ints, birth: Ints, is_female: Ints, rng: np.random.Generator) -> pl.Series:
    number = spread(index, 80_000_000, 48_271_483, 11_235_813) + 10_000_000
    return _padded(number, 8) + _DNI_LETTERS.gather(number % 23)


def _utr(index: Ints, birth: Ints, is_female: Ints, rng: np.random.Generator) -> pl.Series:
    number = spread(index, 1_000_000_000, 618_033_989, 27_182_818)
    check = _UTR_CHECK[_digits(number, 9) @ np.array([6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11]
    return pl.Series(check).cast(pl.String) + _padded(number, 9)


def _idnr(index: Ints, birth: Ints, is_female: Ints, rng: np.random.Generator) -> pl.Series:
    """Ten digits of which one appears twice and one not at all, the first not 0, and a check digit (ISO 7064 mod 11, 10)."""
    digits = np.argsort(rng.random((len(index), 10)), axis=1).astype(np.int64)
    rows = np.arange(len(index))
    leads = digits[:, 0] == 0
    digits[leads, 0], digits[leads, 9] = digits[leads, 9], 0
    source = rng.integers(0, 5, len(index))
    digits[rows, rng.integers(5, 10, len(index))] = digits[rows, source]
    product = np.full(len(index), 10, dtype=np.int64)
    for position in range(10):
        total = (digits[:, position] + product) % 10
        product = np.where(total == 0, 10, total) * 2 % 11
    check = (11 - product) % 10
    number = digits @ 10 ** np.arange(9, -1, -1, dtype=np.int64)
    return _padded(number * 10 + check, 11)


def _spi(index: Ints, birth: Ints, is_female: Ints, rng: np.random.Generator) -> pl.Series:
    number = spread(index, 3_000_000_000, 1_234_567_891, 271_828_182)
    return _padded(number * 1000 + number % 511, 13)


def _pesel(index: Ints, birth: Ints, is_female: Ints, rng: np.random.Generator) -> pl.Series:
    day = pl.Series(birth).cast(pl.Int32).cast(pl.Date)
    year, month = day.dt.year().to_numpy().astype(np.int64), day.dt.month().to_numpy().astype(np.int64)
    number = (year % 100) * 10_000 + (month + np.where(year >= 2000, 20, 0)) * 100 + day.dt.day().to_numpy()
    serial = spread(index, 5_000, 2_741, 17) * 2 + (1 - is_female)
    ten = number * 10_000 + serial
    check = (10 - _digits(ten, 10) @ np.array([1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10
    return _padded(ten * 10 + check, 11)


def addresses(
    language: Ints, given: Ints, family: Ints, birth_year: Ints, rng: np.random.Generator, *, is_work: bool = False
) -> pl.Series:
    """E-mail addresses made of names; those that would occur twice get a number."""
    vocabulary, n = words(), len(language)
    shape = weighted(rng, (6, 4, 3, 3, 2, 2) if not is_work else (8, 5, 1, 0, 0, 0), n)
    domain = vocabulary.domains.start[language] + weighted(rng, (7, 6, 5, 3, 3, 2, 2, 1), n)
    number: Floats = np.floor(rng.random(n) ** 2 * 999)
    frame = pl.DataFrame(
        {
            "shape": shape,
            "first": vocabulary.given.slugs.gather(given),
            "last": vocabulary.family.slugs.gather(family),
            "yy": _padded(birth_year % 100, 2),
            "n": number.astype(np.int64),
            "has_n": rng.random(n) < 0.45,
            "domain": vocabulary.domains.values.gather(domain),
        }
    )
    first, last = pl.col("first"), pl.col("last")
    local = (
        pl.when(pl.col("shape") == 0).then(first + "." + last)
        .when(pl.col("shape") == 1).then(first.str.slice(0, 1) + last)
        .when(pl.col("shape") == 2).then(first + last + pl.col("yy"))
        .when(pl.col("shape") == 3).then(last + "." + first)
        .when(pl.col("shape") == 4).then(first + "_" + last.str.slice(0, 3))
        .otherwise(first + pl.col("yy") + last.str.slice(0, 1))
    )  # fmt: skip
    suffix = pl.when(pl.col("has_n")).then(pl.col("n").cast(pl.String)).otherwise(pl.lit(""))
    drawn = frame.select((local + suffix).alias("local"), "domain")
    twin = pl.int_range(pl.len()).over("local", "domain")
    return drawn.select(
        pl.col("local")
        + pl.when(twin > 0).then(pl.lit("-") + twin.cast(pl.String)).otherwise(pl.lit(""))
        + "@"
        + pl.col("domain")
    ).to_series()
