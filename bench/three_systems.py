"""An invented company of three systems, whose missed and wrong links are those that were met on companies of real people.

Belongs here: 5,000 people in families, what a till, a web shop and a call centre know of them and get wrong, and a country of
skewed names for rare names to be judged in. Does not belong here: any assertion (tests/prove/identity).

Most records agree on a phone, an e-mail, a home or a birth date. What is hard: records that share nothing but the name, a
letter that an encoding lost, a slip in a short name, a name changed at a wedding, an initial, twins, families on one phone,
fathers and sons of one name.
"""

from __future__ import annotations

import datetime as dt
import random
from itertools import accumulate
from types import ModuleType
from typing import Any

import duckdb
import numpy as np
import polars as pl

from clientela.simulate.languages import english, french, german, polish, spanish
from clientela.simulate.words import plain, slug

Person = dict[str, Any]
COUNTRIES: dict[str, ModuleType] = {"ES": spanish, "GB": english, "DE": german, "FR": french, "PL": polish}
PHONES = {"ES": "+346{:08d}", "GB": "+4477{:08d}", "DE": "+49151{:08d}", "FR": "+336{:08d}", "PL": "+4860{:07d}"}
STREET_KINDS = {"ES": "Calle {} {}", "GB": "{1} {0}", "DE": "{} {}", "FR": "{1} rue {0}", "PL": "ul. {} {}"}
#: how often each system knows a field
KNOWS = {
    "till": {"phone": 0.86, "email": 0.28, "birth_date": 0.59, "home": 0.615},
    "web": {"phone": 0.81, "email": 0.97, "birth_date": 0.49, "home": 0.725},
    "call centre": {"phone": 0.92, "email": 0.47, "birth_date": 0.41, "home": 0.585},
}
#: how many systems know a person
SYSTEMS = ((1, 2, 3), (0.442, 0.447, 0.111))
LOSES_LETTERS, SLIPS, MARRIED, ONE_SURNAME = 0.34, 0.115, 0.115, 0.02
#: who leaves no phone leaves an initial more often than who leaves one
INITIAL, INITIAL_WITHOUT_PHONE = 0.03, 0.1
MOVED, NEW_PHONE, SAME_NAME_AS_FATHER, ON_ONE_PHONE = 0.02, 0.02, 0.11, 0.2


class Names:
    """Given and family names of a country, the common ones common and the tail long."""

    def __init__(self, country: str, tail: int = 3000) -> None:
        module = COUNTRIES[country]
        self.male, self.female = _words(module.MALE), _words(module.FEMALE)
        common = module.FAMILY.split()
        halves = random.Random(country)
        rare: dict[str, None] = {}
        while len(rare) < tail:
            first, last = halves.choice(common), halves.choice(common)
            rare[first[: max(2, len(first) - halves.randint(2, 4))] + last[-halves.randint(3, 5) :].lower()] = None
        self.family = common + list(rare)
        self.given_weights = list(accumulate(1 / (rank + 4) for rank in range(len(self.male))))
        shares = [0.5 / (rank + 12) / 2.9 for rank in range(len(common))] + [0.5 / tail] * tail
        self.family_weights = list(accumulate(shares))

    def given(self, chance: random.Random, is_female: bool) -> str:
        names = self.female if is_female else self.male
        weights = self.given_weights[: len(names)]
        return chance.choices(names[: len(weights)], cum_weights=weights)[0]

    def surname(self, chance: random.Random) -> str:
        return chance.choices(self.family, cum_weights=self.family_weights)[0]


def three_systems(people: int = 5000, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(records, truth): the company's records in the contract's columns; `truth` is (record_id, entity)."""
    chance = random.Random(seed)
    names = {country: Names(country) for country in COUNTRIES}
    rows: list[dict[str, Any]] = []
    entity = 0
    while entity < people:
        for person in _household(chance, names)[: people - entity]:
            entity += 1
            count = chance.choices(*SYSTEMS)[0]
            for source in chance.sample(list(KNOWS), count):
                rows.append({"entity": entity, **_record(person, source, chance)})
    chance.shuffle(rows)
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("record_id"),
        pl.int_range(1, pl.len() + 1).cast(pl.String).alias("source_key"),
    )
    return frame.drop("entity"), frame.select("record_id", "entity")


def _household(chance: random.Random, names: dict[str, Names]) -> list[Person]:
    country = chance.choices(list(COUNTRIES), (40, 15, 15, 10, 20))[0]
    local = names[country]
    size = chance.choices((1, 2, 3, 4), (64, 20, 10, 6))[0]
    surname, other = local.surname(chance), local.surname(chance)
    home, phone, shares_phone = _home(country, chance), _phone(country, chance), chance.random() < ON_ONE_PHONE
    parent_born = dt.date(chance.randint(1945, 1982), chance.randint(1, 12), chance.randint(1, 28))
    out: list[Person] = []
    for position in range(size):
        is_child = position >= 2
        is_female = position == 1 if not is_child and size > 1 else chance.random() < 0.5
        born = parent_born + dt.timedelta(days=chance.randint(8500, 12500) if is_child else chance.randint(-1800, 1800))
        given = local.given(chance, is_female)
        if is_child and not is_female and chance.random() < SAME_NAME_AS_FATHER:
            given = out[0]["given"]
        elif position and given in {person["given"] for person in out}:
            given = local.given(chance, is_female)
        if position == 3 and chance.random() < 0.2:
            born = out[2]["birth_date"]
        family = surname
        if country == "ES":
            family = f"{surname} {other}" if position != 1 else f"{other} {local.surname(chance)}"
        out.append(
            {
                "country": country,
                "given": given,
                "family": family,
                "maiden": local.surname(chance) if is_female and chance.random() < 0.5 else None,
                "birth_date": born,
                "phone": phone if shares_phone and chance.random() < 0.75 else _phone(country, chance),
                "email": f"{slug(given)}.{slug(family.split()[0])}{chance.randint(1, 99999)}@mail.{country.lower()}",
                "home": home,
                "old_home": _home(country, chance) if chance.random() < MOVED else home,
                "old_phone": _phone(country, chance) if chance.random() < NEW_PHONE else None,
            }
        )
    return out


def _record(person: Person, source: str, chance: random.Random) -> dict[str, Any]:
    country, given, family = person["country"], person["given"], person["family"]
    if person["maiden"] and chance.random() < MARRIED:
        family = person["maiden"] if country != "ES" else family
    if country == "ES" and source == "till" and chance.random() < ONE_SURNAME:
        family = family.split()[0]
    knows = {field: chance.random() < share for field, share in KNOWS[source].items()}
    if chance.random() < (INITIAL if knows["phone"] else INITIAL_WITHOUT_PHONE):
        given = given[0] + "."
    elif chance.random() < SLIPS:
        given = _slip(given, chance)
    elif chance.random() < SLIPS / 6:
        family = _slip(family, chance)
    if source == "till" and chance.random() < LOSES_LETTERS:
        mark = chance.choice("?\ufffd")
        given, family = _lost(given, mark), _lost(family, mark)
    elif chance.random() < 0.2:
        given, family = plain(given), plain(family)
    if chance.random() < 0.15:
        given, family = given.upper(), family.upper()
    if chance.random() < 0.002:
        given, family = family, given
    home = person["old_home"] if chance.random() < 0.5 else person["home"]
    phone = person["old_phone"] if person["old_phone"] and chance.random() < 0.4 else person["phone"]
    birth = person["birth_date"]
    if chance.random() < 0.02:
        birth = birth.replace(month=birth.day, day=birth.month) if birth.day <= 12 else birth
    street, postal_code, city = home if knows["home"] else (None, None, None)
    if street and chance.random() < 0.05:
        street = _slip(street, chance)
    return {
        "source": source,
        "given_name": given,
        "family_name": family,
        "email": person["email"] if knows["email"] else None,
        "phone": phone if knows["phone"] else None,
        "birth_date": birth if knows["birth_date"] else None,
        "street": street,
        "postal_code": postal_code,
        "city": city,
        "country": country,
        "updated_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=chance.randint(0, 3_000_000)),
    }


def _home(country: str, chance: random.Random) -> tuple[str, str, str]:
    module = COUNTRIES[country]
    town = chance.randrange(20)
    streets = _words(module.STREETS)
    street = STREET_KINDS[country].format(chance.choice(streets), chance.randint(1, 150))
    return street, f"{10 + town}{chance.randint(0, 99):03d}", f"town{chr(97 + town)}"


def _words(text: str) -> list[str]:
    return [word.replace("_", " ") for word in text.split()]


def _phone(country: str, chance: random.Random) -> str:
    return PHONES[country].format(chance.randrange(10**7 if country == "PL" else 10**8))


def _lost(text: str, mark: str) -> str:
    """Every letter that is not ASCII becomes a mark, as a file read in another encoding shows it."""
    return "".join(letter if letter.isascii() else mark for letter in text)


def _slip(text: str, chance: random.Random) -> str:
    """One letter left out, put in, changed, or two exchanged; never the first."""
    if len(text) < 3:
        return text
    at, letter = chance.randrange(1, len(text)), chance.choice("abcdefghijklmnopqrstuvwxyz")
    if (kind := chance.randrange(4)) == 0 and len(text) > 3:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + letter + text[at:]
    if kind == 2 and 1 <= at < len(text) - 1:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + letter + text[at + 1 :]


def missed_links(records: pl.DataFrame, truth: pl.DataFrame, crosswalk: pl.DataFrame) -> pl.DataFrame:
    """(kind, pairs): the pairs of records of one person that `crosswalk` (record_id, customer_id) does not link, by the first
    of these kinds that they are of."""
    rows = records.join(truth, on="record_id").join(crosswalk.select("record_id", "customer_id"), on="record_id")
    with duckdb.connect() as connection:
        connection.register("rows", rows.to_arrow())
        return connection.sql(MISSED).pl()


MISSED = """
    with named as (
        select *, strip_accents(replace(replace(lower(given_name), 'ł', 'l'), 'ß', 'ss')) as given,
            strip_accents(replace(replace(lower(family_name), 'ł', 'l'), 'ß', 'ss')) as family
        from rows
    ),

    pairs as (
        select l.given = r.given and l.family = r.family as is_name_equal,
            (l.phone is null or r.phone is null) and (l.email is null or r.email is null)
            and (l.birth_date is null or r.birth_date is null) and (l.street is null or r.street is null) as is_name_all,
            regexp_matches(concat(l.given, l.family, r.given, r.family), '[?�]') as is_letter_lost,
            damerau_levenshtein(l.family, r.family) > 2
            and not list_has_any(string_split(l.family, ' '), string_split(r.family, ' ')) as is_family_changed,
            l.given like '%.' <> r.given like '%.' as is_initial,
            l.given <> r.given and l.given <> r.family as is_slip
        from named as l join named as r on l.entity = r.entity and l.record_id < r.record_id
        where l.customer_id <> r.customer_id
    )

    select
        case
            when is_name_equal and is_name_all then 'full name equal, nothing else to compare'
            when is_name_equal then 'full name equal, something else differs'
            when is_letter_lost then 'a lost letter'
            when is_family_changed then 'another family name'
            when is_initial then 'an initial'
            when is_slip then 'a slip in the first name'
            else 'other'
        end as kind, count(*) as pairs
    from pairs group by all order by pairs desc
"""

#: how a country's names are spread: share of the name of rank r is as 1 / (r + flat) ** steep, over so many names
SURNAMES = {1: ("GB", 40_000, 5.0, 0.80), 2: ("ES", 20_000, 3.5, 0.95)}
GIVEN_NAMES = (3_000, 3.0, 1.1)
#: what the systems of the country know, so that a fifth of a person's pairs share nothing but the name
SELDOM_KNOWS = {"till": (0.7, 0.1, 0.4, 0.4), "web": (0.55, 0.97, 0.25, 0.6), "call centre": (0.9, 0.3, 0.4, 0.4)}


def country_of_names(people: int = 50_000, seed: int = 1, surnames: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(records, truth): a company of three systems whose customers bear names as skewed as a country's.

    With one surname (as in Britain) or two (as in Spain). First names go by decades; one in twelve belongs to a minority
    whose names go together; one in a hundred and twenty bears the whole name of a living father or mother.
    """
    chance = np.random.default_rng(seed)
    country, tail, flat, steep = SURNAMES[surnames]
    local = Names(country, tail)
    family = np.array(local.family)
    given = np.array(
        list(dict.fromkeys([*local.male, *local.female, *_made_of_halves(local.male + local.female, GIVEN_NAMES[0])]))
    )
    of_minority = (
        np.array(COUNTRIES["PL"].FAMILY.split()),
        np.array(COUNTRIES["PL"].MALE.split() + COUNTRIES["PL"].FEMALE.split()),
    )

    def ranks(count: int, names: int, flat: float, steep: float) -> np.ndarray:
        shares = (np.arange(1, names + 1) + flat) ** -steep
        return chance.choice(names, count, p=shares / shares.sum())

    decade = chance.integers(0, 6, people)
    order = np.argsort(
        chance.random((6, len(given))) * np.linspace(0.2, 1, len(given)) + np.linspace(0, 1, len(given)), axis=1
    )
    first = given[order[decade, ranks(people, len(given), *GIVEN_NAMES[1:])]]
    surname = [family[ranks(people, len(family), flat, steep)] for _ in range(surnames)]
    is_minority = chance.random(people) < 1 / 12
    first = np.where(is_minority, of_minority[1][ranks(people, len(of_minority[1]), 3.0, 1.1)], first)
    surname[0] = np.where(is_minority, of_minority[0][ranks(people, len(of_minority[0]), 3.0, 1.0)], surname[0])
    whole = surname[0] if surnames == 1 else np.char.add(np.char.add(surname[0], " "), surname[1])
    child = np.flatnonzero(chance.random(people) < 1 / 120)
    parent = (child + 1) % people
    first[child], whole[child] = first[parent], whole[parent]
    person = pl.DataFrame(
        {
            "entity": np.arange(people),
            "given_name": first,
            "family_name": whole,
            "number": chance.integers(0, 10**8, people),
            "birth_date": np.datetime64("1940-01-01") + (decade * 3652 + chance.integers(0, 3652, people)),
            "house": chance.integers(1, 200, people),
            "road": np.array(_words(COUNTRIES[country].STREETS))[chance.integers(0, 50, people)],
            "postal_code": chance.integers(10_000, 53_000, people).astype(str),
        }
    ).with_columns(
        pl.col("birth_date").cast(pl.Date),
        pl.concat_str(pl.lit("+4477"), pl.col("number").cast(pl.String).str.zfill(8)).alias("phone"),
        pl.concat_str(pl.lit("box"), "number", pl.lit("@mail.es")).alias("email"),
        pl.concat_str("road", pl.lit(" "), "house").alias("street"),
    )
    parts = []
    count = chance.choice(SYSTEMS[0], people, p=np.array(SYSTEMS[1]) / sum(SYSTEMS[1]))
    turn = np.argsort(chance.random((people, 3)), axis=1)
    for number, (source, (phone, email, birth, home)) in enumerate(SELDOM_KNOWS.items()):
        mine = person.filter(pl.Series((turn == number).argmax(axis=1) < count))
        kept = {
            field: pl.Series(chance.random(mine.height) < share)
            for field, share in {"phone": phone, "email": email, "birth_date": birth, "street": home}.items()
        }
        parts.append(
            mine.with_columns(
                pl.lit(source).alias("source"),
                pl.when(kept["street"]).then("postal_code").alias("postal_code"),
                *(pl.when(known).then(field).alias(field) for field, known in kept.items()),
            )
        )
    rows = pl.concat(parts).sample(fraction=1.0, shuffle=True, seed=seed)
    rows = rows.with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("record_id"),
        pl.lit(country).alias("country"),
        pl.lit(dt.datetime(2024, 1, 1, tzinfo=dt.UTC)).alias("updated_at"),
    )
    return rows.drop("entity", "number", "house", "road"), rows.select("record_id", "entity")


def _made_of_halves(words: list[str], count: int) -> list[str]:
    halves = random.Random("given")
    return [f"{halves.choice(words)[:3]}{halves.choice(words)[-4:].lower()}" for _ in range(count)]
