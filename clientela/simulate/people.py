"""Who the customers truly are: people in households, with families, twins, colleagues, addresses and numbers of their own.

Here is the truth. What each system knows of it, and gets wrong, stands in `records`; what people buy in `purchases`.
"""

from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from clientela.simulate import identifiers
from clientela.simulate.mistakes import chosen
from clientela.simulate.settings import SimulateSettings
from clientela.simulate.streams import Floats, Ints, Mask, skewed, stream, weighted
from clientela.simulate.words import DE, EN, ES, FR, PL, words

#: shares of the five languages among customers
_LANGUAGES = (62.0, 10.0, 10.0, 10.0, 8.0)
_DAYS_TO_1970 = 365.2425
_PROSPECTS = 0.06


@dataclass(frozen=True)
class Address:
    """Indices into the words' tables; `flat` is -1 for a house."""

    street: Ints
    number: Ints
    flat: Ints
    town: Ints
    zone: Ints

    def of(self, who: Ints) -> "Address":
        return Address(self.street[who], self.number[who], self.flat[who], self.town[who], self.zone[who])

    def where(self, mask: Mask, other: "Address") -> "Address":
        """This address where the mask holds, the other elsewhere."""
        names = [column.name for column in fields(self)]
        return Address(*(np.where(mask, getattr(self, name), getattr(other, name)) for name in names))


@dataclass(frozen=True)
class People:
    """All people, buyers first in no order of time; each attribute is one column. Index 0 … n - 1; person_id is index + 1."""

    n: int
    #: how many buy; the rest are prospects
    buyers: int
    is_buyer: Mask
    household: Ints
    language: Ints
    is_female: Mask
    given: Ints
    #: indices into the family table; second is -1 outside Spain, maiden -1 for who kept one name
    family: Ints
    second_family: Ints
    maiden: Ints
    #: days since 1970
    birth: Ints
    home: Address
    #: where they lived before; the same as home for those who did not move
    former_home: Address
    #: day on which they moved, in the simulation's days; infinite for those who did not
    moved_at: Floats
    email: pl.Series
    second_email: pl.Series
    shared_email: pl.Series
    mobile: Ints
    former_mobile: Ints
    landline: Ints
    tax_id: pl.Series
    company_name: pl.Series
    kind: pl.Series
    #: share of purchases made in the web shop
    web_share: Floats

    def family_name(self, who: Ints, family: Ints) -> pl.Series:
        """The family names at these indices, in the feminine form where the language has one."""
        return _gendered(family, self.is_female[who])


def _gendered(family: Ints, is_female: Mask) -> pl.Series:
    table = words()
    both = pl.concat([table.family.values, table.family_feminine.values])
    return both.gather(family + np.where(is_female, len(table.family.values), 0))


def draw_people(settings: SimulateSettings) -> People:
    """Everyone the company will meet: `settings.customers` buyers and some prospects."""
    buyers = settings.customers
    n = buyers + round(buyers * _PROSPECTS)
    rng = stream(settings.seed, "people")
    household, role, size = _households(rng, n)
    houses = int(household[-1]) + 1
    house_language = weighted(rng, _LANGUAGES, houses)
    language = house_language[household]
    is_female = _genders(rng, role, n)
    head = np.searchsorted(household, np.arange(houses))[household]
    birth, is_twin = _births(rng, role, size, settings)
    given = _given_names(rng, language, is_female, role, head, is_twin, n)
    is_namesake = (role >= 2) & (given == given[head]) & ~is_female
    family, second, maiden = _family_names(rng, household, houses, language, role, is_female, n)
    home, former, moved_at = _homes(rng, household, houses, house_language, language, settings, n)
    index = np.arange(n, dtype=np.int64)
    year = 1970 + (birth / _DAYS_TO_1970).astype(np.int64)
    email = identifiers.addresses(language, given, family, year, rng)
    second_email = identifiers.addresses(language, given, family, year + 7, rng, is_work=True)
    company_name, company_email = _companies(rng, language, n)
    shared = _household_emails(rng, household, houses, house_language, family, n)
    kinds = pl.select(
        pl.when(pl.Series(is_twin)).then(pl.lit("twin"))
        .when(pl.Series(is_namesake)).then(pl.lit("son_of_same_name"))
        .when(pl.Series(size > 1)).then(pl.lit("family"))
        .otherwise(pl.lit("single"))
    ).to_series()  # fmt: skip
    buys = np.zeros(n, dtype=np.bool_)
    buys[rng.permutation(n)[:buyers]] = True
    return People(
        n=n,
        buyers=buyers,
        is_buyer=buys,
        household=household,
        language=language,
        is_female=is_female,
        given=given,
        family=family,
        second_family=second,
        maiden=maiden,
        birth=birth,
        home=home,
        former_home=former,
        moved_at=moved_at,
        email=email,
        second_email=_only(second_email, chosen(rng, 0.40, n)),
        shared_email=company_email.fill_null(shared) if n else shared,
        mobile=identifiers.mobiles(language, index),
        former_mobile=np.where(chosen(rng, 0.22, n), identifiers.mobiles(language, index + 20_000_003), -1),
        landline=identifiers.landlines(house_language, np.arange(houses, dtype=np.int64))[household],
        tax_id=identifiers.tax_ids(language, index, birth, is_female.astype(np.int64), rng),
        company_name=company_name,
        kind=kinds,
        web_share=_web_shares(rng, n),
    )


def _only(values: pl.Series, where: Mask) -> pl.Series:
    return pl.select(pl.when(pl.Series(where)).then(values)).to_series()


def _households(rng: np.random.Generator, n: int) -> tuple[Ints, Ints, Ints]:
    """(household, place in it, its size) of each person."""
    sizes = 1 + weighted(rng, (72, 14, 7, 7), n)
    household = np.repeat(np.arange(n, dtype=np.int64), sizes)[:n]
    first = np.searchsorted(household, household)
    size = np.bincount(household)[household].astype(np.int64)
    return household, np.arange(n, dtype=np.int64) - first, size


def _genders(rng: np.random.Generator, role: Ints, n: int) -> Mask:
    """Heads and children are either; the second of a household is mostly the other gender."""
    drawn = chosen(rng, 0.5, n)
    previous = np.concatenate([[False], drawn[:-1]])
    couple = (role == 1) & chosen(rng, 0.93, n)
    return np.where(couple, ~previous, drawn)


def _births(rng: np.random.Generator, role: Ints, size: Ints, settings: SimulateSettings) -> tuple[Ints, Mask]:
    n = len(role)
    years = 20 + 58 * rng.beta(1.6, 2.2, n)
    head_years = np.where((size >= 3) & (role == 0), 45 + 22 * rng.random(n), years)
    places = np.maximum.accumulate(np.where(role == 0, np.arange(n), 0))
    head_age = head_years[places]
    age = np.select(
        [role == 0, role == 1],
        [head_years, np.clip(head_age + rng.normal(0, 4, n), 19, 85)],
        np.clip(head_age - 24 - 12 * rng.random(n), 18, 42),
    )
    today = (settings.cut.toordinal() - 719_163) if n else 0
    birth = (today - age * _DAYS_TO_1970).astype(np.int64)
    is_younger_twin = (role == 3) & chosen(rng, 0.45, n)
    birth = np.where(is_younger_twin, np.concatenate([[0], birth[:-1]]), birth)
    is_twin = is_younger_twin | np.concatenate([is_younger_twin[1:], [False]])
    return birth, is_twin


def _given_names(
    rng: np.random.Generator, language: Ints, is_female: Mask, role: Ints, head: Ints, is_twin: Mask, n: int
) -> Ints:
    """A child may bear the head's name (the head's gender permitting), brothers and sisters never the same one."""
    table = words().given
    group = 2 * language + is_female
    rank = skewed(rng, table.count[group], n, 10.0)
    given = table.start[group] + rank
    inherits = (role == 2) & (is_female == is_female[head]) & chosen(rng, 0.30, n) & ~is_twin
    given = np.where(inherits, given[head], given)
    before = np.concatenate([[-1], given[:-1]])
    clashes = (role == 3) & (given == before)
    return np.where(clashes, table.start[group] + (rank + 1) % table.count[group], given)


def _family_names(
    rng: np.random.Generator, household: Ints, houses: int, language: Ints, role: Ints, is_female: Mask, n: int
) -> tuple[Ints, Ints, Ints]:
    """(family, second, maiden): Spaniards bear both parents' names, elsewhere a couple mostly shares one."""
    table = words().family

    def draw() -> Ints:
        return table.start[language] + skewed(rng, table.count[language], n, 12.0)

    own, own_second = draw(), draw()
    first = np.searchsorted(household, np.arange(houses))[household]
    partner = np.minimum(first + 1, n - 1)
    is_spanish = language == ES
    takes_name = (role == 1) & ~is_spanish & chosen(rng, 0.75, n)
    is_child = role >= 2
    family = np.where(takes_name | is_child, own[first], own)
    second = np.where(is_spanish, np.where(is_child, own[partner], own_second), -1)
    married = is_female & ~is_spanish & (takes_name | ((role == 0) & chosen(rng, 0.15, n)))
    return family, second, np.where(married, np.where(takes_name, own, draw()), -1)


def _homes(
    rng: np.random.Generator, household: Ints, houses: int, house_language: Ints, language: Ints,
    settings: SimulateSettings, n: int,
) -> tuple[Address, Address, Floats]:  # fmt: skip
    here = _addresses(rng, house_language).of(household)
    moved = chosen(rng, 0.16, n)
    before = _addresses(rng, language)
    at = np.where(moved, rng.random(n) * settings.days, np.inf)
    return here, before.where(moved, here), at


def _addresses(rng: np.random.Generator, language: Ints) -> Address:
    vocabulary, n = words(), len(language)
    street = vocabulary.streets.start[language] + skewed(rng, vocabulary.streets.count[language], n, 20.0)
    number = 1 + np.floor(rng.random(n) ** 1.7 * 140).astype(np.int64)
    has_flat = rng.random(n) < np.array([0.8, 0.15, 0.1, 0.35, 0.75])[language]
    flat = np.where(has_flat, rng.integers(0, 32, n), -1)
    town = np.zeros(n, dtype=np.int64)
    for code in (ES, EN, DE, FR, PL):
        mine = np.flatnonzero(language == code)
        town[mine] = vocabulary.towns.start[code] + weighted(rng, vocabulary.town_weights[code], len(mine))
    return Address(street, number, flat, town, rng.integers(0, 10_000, n))


def _companies(rng: np.random.Generator, language: Ints, n: int) -> tuple[pl.Series, pl.Series]:
    """(company, its info@ address) of the few who buy for one; colleagues share both."""
    table = words().family
    firms = max(1, n // 120)
    country = weighted(rng, _LANGUAGES, firms)
    owner = table.start[country] + skewed(rng, table.count[country], firms, 60.0)
    trade = pl.Series(["Talleres", "Suministros", "Grupo", "Consulting", "Logistics", "Studio"]).gather(
        rng.integers(0, 6, firms)
    )
    form = pl.Series(["S.L.", "Ltd", "GmbH", "SARL", "Sp. z o.o."]).gather(country)
    level = pl.Series(["es", "co.uk", "de", "fr", "pl"]).gather(country)
    name = trade + " " + table.values.gather(owner) + " " + form
    local = pl.Series(["info@", "info@", "contact@", "office@"]).gather(rng.integers(0, 4, firms))
    email = local + table.slugs.gather(owner) + "-" + trade.str.to_lowercase() + "." + level
    employer = rng.integers(0, firms, n)
    employed = chosen(rng, 0.035, n)
    return _only(name.gather(employer), employed), _only(email.gather(employer), employed)


def _household_emails(
    rng: np.random.Generator, household: Ints, houses: int, house_language: Ints, family: Ints, n: int
) -> pl.Series:
    """One address for the whole family, in some families."""
    first = np.searchsorted(household, np.arange(houses))
    names = words().family.slugs.gather(family[first])
    word = pl.Series(["familia", "family", "familie", "famille", "rodzina"]).gather(house_language)
    domain = words().domains.values.gather(words().domains.start[house_language])
    several = np.bincount(household, minlength=houses) > 1
    address = word + "." + names + pl.Series(rng.integers(1, 9_999, houses)).cast(pl.String) + "@" + domain
    return _only(address, several & chosen(rng, 0.35, houses)).gather(household)


def _web_shares(rng: np.random.Generator, n: int) -> Floats:
    """0: till only; 1: web shop only; between: both."""
    habit = weighted(rng, (43, 33, 24), n)
    return np.select([habit == 0, habit == 2], [0.0, 1.0], 0.2 + 0.6 * rng.random(n))
