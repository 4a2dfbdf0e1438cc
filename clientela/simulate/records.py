"""What the four systems hold about people: which of them, under which own id, and how it came to be written down.

The habits of the systems are numbers at the top. Column names and file formats of each system stand in its own module.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from clientela.simulate.identifiers import CALLING_CODES
from clientela.simulate.mistakes import chosen, mistyped
from clientela.simulate.people import People
from clientela.simulate.settings import SimulateSettings
from clientela.simulate.streams import Floats, Ints, Mask, stream, weighted
from clientela.simulate.words import DE, EN, ES, FR, PL, words

TILL, WEBSHOP, CALL_CENTRE, LOYALTY = "till", "webshop", "call_centre", "loyalty"
SYSTEMS = (TILL, WEBSHOP, CALL_CENTRE, LOYALTY)
NEVER = np.inf


@dataclass(frozen=True)
class Habits:
    """How one system writes people down; each number is the share of records it happens to."""

    duplicated: float
    uppercase: float = 0.0
    unaccented: float = 0.25
    nickname: float = 0.05
    initial: float = 0.03
    one_family_name: float = 0.3
    maiden: float = 0.4
    name_slip: float = 0.05
    no_given: float = 0.0
    email: float = 0.5
    second_email: float = 0.45
    shared_email: float = 0.4
    email_slip: float = 0.03
    no_email: float = 0.01
    phone: float = 0.6
    landline: float = 0.3
    former_phone: float = 0.4
    phone_slip: float = 0.03
    no_phone: float = 0.02
    tax_id: float = 0.0
    tax_slip: float = 0.02
    birth: float = 0.0
    birth_slip: float = 0.03
    address: float = 0.7
    reports_move: float = 0.5
    street_slip: float = 0.05
    card: float = 0.0
    company: float = 0.3


HABITS = {
    TILL: Habits(
        duplicated=0.05, uppercase=0.7, unaccented=0.6, email=0.36, phone=0.68, landline=0.28, tax_id=0.50,
        address=0.75, reports_move=0.35, no_phone=0.03, card=0.25, company=0.6,
    ),
    WEBSHOP: Habits(
        duplicated=0.05, nickname=0.10, initial=0.02, email=1.0, no_email=0.004, phone=0.66, landline=0.10, birth=0.35,
        address=0.9, reports_move=0.7, tax_id=0.05, card=0.06, email_slip=0.015,
    ),
    CALL_CENTRE: Habits(
        duplicated=0.08, nickname=0.12, initial=0.08, name_slip=0.12, no_given=0.05, email=0.42, email_slip=0.07,
        phone=0.94, landline=0.32, former_phone=0.35, phone_slip=0.05, address=0.50,
    ),
    LOYALTY: Habits(
        duplicated=0.02, email=0.72, phone=0.75, landline=0.18, tax_id=0.22, birth=0.85, address=0.9,
        reports_move=0.45, card=1.0,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Membership:
    """The records of one system, in order of person: who, and which of their first and last record there."""

    system: str
    person: Ints
    is_second: Mask
    #: of each person, their first record and how many they have
    first: Ints
    count: Ints


def memberships(people: People, settings: SimulateSettings) -> dict[str, Membership]:
    """Which people each system knows, some of them twice."""
    rng = stream(settings.seed, "memberships")
    buys_till = people.is_buyer & (people.web_share < 1)
    buys_web = people.is_buyer & (people.web_share > 0)
    member = {
        TILL: buys_till,
        WEBSHOP: buys_web | (~people.is_buyer & chosen(rng, 0.45, people.n)),
        LOYALTY: people.is_buyer & chosen(rng, 0.62, people.n),
    }
    calls = chosen(rng, 0.33, people.n) | ~(member[TILL] | member[WEBSHOP] | member[LOYALTY])
    member[CALL_CENTRE] = calls
    result = {}
    for system in SYSTEMS:
        count = member[system].astype(np.int64)
        count += member[system] & chosen(rng, HABITS[system].duplicated, people.n)
        person = np.repeat(np.arange(people.n, dtype=np.int64), count)
        first = np.cumsum(count) - count
        result[system] = Membership(system, person, np.arange(len(person)) > first[person], first, count)
    return result


@dataclass(frozen=True)
class Records:
    """The records of one system in order of registration; `place` gives a membership's place in it."""

    system: str
    person: Ints
    key: pl.Series
    registered: Floats
    place: Ints
    #: versions as delivered: index of the record, when it was written, and the fields
    version_of: Ints
    written: Floats
    fields: pl.DataFrame


def keys_of(system: str, n: int) -> pl.Series:
    """The system's own ids, in order of registration; the numbers of different systems overlap."""
    rank = np.arange(n, dtype=np.int64)
    if system == TILL:
        return pl.Series(rank + 100_001).cast(pl.String)
    if system == WEBSHOP:
        return pl.Series(rank * 3 + 5_003).cast(pl.String)
    if system == CALL_CENTRE:
        return "C-" + pl.Series(rank + 1).cast(pl.String).str.zfill(7)
    return "77" + pl.Series((rank * 7_368_787 + 1_234_567) % 100_000_000).cast(pl.String).str.zfill(8)


def write_down(
    people: People, membership: Membership, registered: Floats, cards: pl.Series, settings: SimulateSettings
) -> Records:
    """Make the system's records: ids in order of registration, and a later version where a move was told.

    `cards` holds each person's loyalty number, null for who has none.
    """
    system = membership.system
    rng = stream(settings.seed, f"records {system}")
    n = len(membership.person)
    order = np.argsort(registered, kind="stable")
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    person, registered = membership.person[order], registered[order]
    habits = HABITS[system]
    moved_later = people.moved_at[person] > registered
    is_reported = (people.moved_at[person] < settings.days) & moved_later & chosen(rng, habits.reports_move, n)
    fields = observe(people, person, people.moved_at[person] > registered, habits, cards, rng)
    updates = np.flatnonzero(is_reported)
    reported_at = np.minimum(people.moved_at[person[updates]] + rng.exponential(20, len(updates)), settings.days - 1e-3)
    if len(updates):
        moved = observe(people, person[updates], np.zeros(len(updates), dtype=np.bool_), habits, cards, rng)
        later = fields[updates].with_columns(moved["street"], moved["postal_code"], moved["town"])
        fields = pl.concat([fields, later])
    version_of = np.concatenate([np.arange(n, dtype=np.int64), updates])
    written = np.concatenate([registered, reported_at])
    sequence = np.argsort(written, kind="stable")
    return Records(
        system, person, keys_of(system, n), registered, place, version_of[sequence], written[sequence], fields[sequence]
    )


def observe(
    people: People, who: Ints, at_former_home: Mask, habits: Habits, cards: pl.Series, rng: np.random.Generator
) -> pl.DataFrame:
    """One row for each of `who`, as a system with these habits would have typed it."""
    n = len(who)
    is_plain = chosen(rng, habits.unaccented, n)
    given = _given(people, who, is_plain, habits, rng)
    family = _family(people, who, is_plain, habits, rng)
    email = _emails(people, who, habits, rng)
    phone = _phones(people, who, habits, rng)
    street, postal, town = _streets(people, who, at_former_home, is_plain, habits, rng)
    tax = _kept(people.tax_id.gather(who), habits.tax_id, rng)
    tax = mistyped(tax, chosen(rng, habits.tax_slip, n), rng, is_number=True)
    birth = _births(people, who, habits, rng)
    frame = pl.DataFrame(
        {
            "given": given, "family": family, "email": email, "phone": phone, "tax_id": tax, "birth": birth,
            "street": street, "postal_code": postal, "town": town,
            "company": _kept(people.company_name.gather(who), habits.company, rng),
            "card": _kept(cards.gather(who), habits.card, rng),
            "language": people.language[who],
        }
    )  # fmt: skip
    if habits.uppercase:
        upper = pl.lit(pl.Series(chosen(rng, habits.uppercase, n)))
        frame = frame.with_columns(
            pl.when(upper).then(pl.col(name).str.to_uppercase()).otherwise(pl.col(name))
            for name in ("given", "family", "street", "town")
        )
    return frame


def _kept(values: pl.Series, share: float, rng: np.random.Generator) -> pl.Series:
    if share >= 1:
        return values
    return pl.select(pl.when(pl.Series(chosen(rng, share, len(values)))).then(values)).to_series()


def _chosen_from(mask: Mask, yes: pl.Series, no: pl.Series) -> pl.Series:
    return pl.select(pl.when(pl.Series(mask)).then(yes).otherwise(no)).to_series()


def _given(people: People, who: Ints, is_plain: Mask, habits: Habits, rng: np.random.Generator) -> pl.Series:
    table, n = words(), len(who)
    index = people.given[who]
    name = _chosen_from(is_plain, table.given.plain.gather(index), table.given.values.gather(index))
    short = table.nicknames.gather(index)
    name = _chosen_from(chosen(rng, habits.nickname * 2, n) & short.is_not_null().to_numpy(), short, name)
    name = _chosen_from(chosen(rng, habits.initial, n), name.str.slice(0, 1) + ".", name)
    name = mistyped(name, chosen(rng, habits.name_slip, n), rng)
    return _kept(name, 1 - habits.no_given, rng) if habits.no_given else name


def _family(people: People, who: Ints, is_plain: Mask, habits: Habits, rng: np.random.Generator) -> pl.Series:
    table, n = words(), len(who)
    first = np.where((people.maiden[who] >= 0) & chosen(rng, habits.maiden, n), people.maiden[who], people.family[who])
    has_second = (people.second_family[who] >= 0) & ~chosen(rng, habits.one_family_name, n)
    second = np.maximum(people.second_family[who], 0)
    full = people.family_name(who, first)
    both = full + " " + table.family.values.gather(second)
    name = _chosen_from(has_second, both, full)
    bare = table.family.plain.gather(first)
    bare = _chosen_from(has_second, bare + " " + table.family.plain.gather(second), bare)
    name = _chosen_from(is_plain & (people.language[who] != PL), bare, name)
    return mistyped(name, chosen(rng, habits.name_slip, n), rng)


def _emails(people: People, who: Ints, habits: Habits, rng: np.random.Generator) -> pl.Series:
    n = len(who)
    email = people.email.gather(who)
    for others, share in ((people.second_email, habits.second_email), (people.shared_email, habits.shared_email)):
        other = others.gather(who)
        email = _chosen_from(chosen(rng, share, n) & other.is_not_null().to_numpy(), other, email)
    email = mistyped(email, chosen(rng, habits.email_slip, n), rng)
    capital = chosen(rng, 0.06, n)
    email = _chosen_from(capital, email.str.to_uppercase(), email)
    email = _kept(email, habits.email, rng)
    nothing = pl.Series(["info@", "noemail@noemail.com", "no@no.com", "sin@correo.es"]).gather(rng.integers(0, 4, n))
    return _chosen_from(chosen(rng, habits.no_email, n), nothing, email)


def _phones(people: People, who: Ints, habits: Habits, rng: np.random.Generator) -> pl.Series:
    n = len(who)
    former = people.former_mobile[who]
    number = np.where((former >= 0) & chosen(rng, habits.former_phone, n), former, people.mobile[who])
    number = np.where(chosen(rng, habits.landline, n), people.landline[who], number)
    bare = mistyped(pl.Series(number).cast(pl.String), chosen(rng, habits.phone_slip, n), rng, is_number=True)
    code = pl.Series(CALLING_CODES[people.language[who]]).cast(pl.String)
    trunk = pl.Series(["", "0", "0", "0", ""]).gather(people.language[who])
    national = trunk + bare
    style = pl.lit(pl.Series(weighted(rng, (30, 22, 12, 14, 10, 12), n)))
    grouped = bare.str.slice(0, 3) + " " + bare.str.slice(3, 3) + " " + bare.str.slice(6)
    text = pl.select(
        pl.when(style == 0).then(national)
        .when(style == 1).then("+" + code + bare)
        .when(style == 2).then("00" + code + bare)
        .when(style == 3).then("+" + code + " " + grouped)
        .when(style == 4).then(national.str.slice(0, 3) + "-" + national.str.slice(3))
        .otherwise(trunk + grouped)
    ).to_series()  # fmt: skip
    text = _kept(text, habits.phone, rng)
    nothing = pl.Series(["999999999", "600000000", "000000000", "999999999"]).gather(rng.integers(0, 4, n))
    return _chosen_from(chosen(rng, habits.no_phone, n), nothing, text)


def _births(people: People, who: Ints, habits: Habits, rng: np.random.Generator) -> pl.Series:
    """Days since 1970 as dates; some a year off, some with day and month exchanged."""
    n = len(who)
    day = pl.Series(people.birth[who]).cast(pl.Int32).cast(pl.Date)
    if not habits.birth:
        return pl.select(pl.lit(None, pl.Date).repeat_by(n).explode()).to_series() if n else day
    slips = chosen(rng, habits.birth_slip, n)
    swaps = slips & (day.dt.day() <= 12).to_numpy()
    swapped = (
        pl.DataFrame({"d": day})
        .select(pl.date(pl.col("d").dt.year(), pl.col("d").dt.day().clip(1, 12), pl.col("d").dt.month()))
        .to_series()
    )
    off = pl.select(day.dt.offset_by("1y")).to_series()
    day = _chosen_from(swaps, swapped, _chosen_from(slips, off, day))
    return _kept(day, habits.birth, rng)


def _streets(
    people: People, who: Ints, at_former_home: Mask, is_plain: Mask, habits: Habits, rng: np.random.Generator
) -> tuple[pl.Series, pl.Series, pl.Series]:
    """(street and number, postal code, town), all three or none."""
    n, table = len(who), words()
    place = people.former_home.of(who).where(at_former_home, people.home.of(who))
    language = pl.lit(pl.Series(people.language[who]))
    style = pl.lit(pl.Series(rng.integers(0, 4, n)))
    name = _chosen_from(is_plain, table.streets.plain.gather(place.street), table.streets.values.gather(place.street))
    number = pl.lit(pl.Series(place.number).cast(pl.String))
    flat = pl.Series(place.flat)
    floor = pl.lit((flat // 4 + 1).cast(pl.String))
    door = pl.lit(pl.Series(list("ABCD")).gather(np.maximum(place.flat, 0) % 4))
    has_flat = pl.lit((flat >= 0) & pl.Series(~chosen(rng, 0.25, n)))
    street = pl.lit(name)
    short_de = street.str.replace("straße", "str.", literal=True).str.replace("strasse", "str.", literal=True)
    short_fr = street.str.replace("^avenue", "av.").str.replace("^boulevard", "bd")
    short_en = street.str.replace(" Road", " Rd", literal=True).str.replace(" Street", " St", literal=True)
    empty = pl.lit("")
    spanish = (
        pl.when(style == 0).then("Calle " + street).when(style == 1).then("C/ " + street)
        .when(style == 2).then("C. " + street).otherwise(street)
        + ", " + number + pl.when(has_flat).then(", " + floor + "º " + door).otherwise(empty)
    )  # fmt: skip
    english = (
        pl.when(has_flat).then("Flat " + floor + door + ", ").otherwise(empty)
        + number
        + " "
        + pl.when(style < 2).then(street).otherwise(short_en)
    )
    german = pl.when(style < 2).then(street).otherwise(short_de) + " " + number
    french = (
        number
        + pl.when(style == 0).then(pl.lit(", ")).otherwise(pl.lit(" "))
        + pl.when(style < 2).then(street).otherwise(short_fr)
    )
    polish = (
        pl.when(style < 3).then(pl.lit("ul. ")).otherwise(empty)
        + street
        + " "
        + number
        + pl.when(has_flat).then("/" + floor).otherwise(empty)
    )
    written = pl.select(
        pl.when(language == ES).then(spanish).when(language == EN).then(english).when(language == DE).then(german)
        .when(language == FR).then(french).otherwise(polish)
    ).to_series()  # fmt: skip
    written = mistyped(written, chosen(rng, habits.street_slip, n), rng)
    known = chosen(rng, habits.address, n)
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, n)
    town = _chosen_from(is_plain, table.towns.plain.gather(place.town), table.towns.values.gather(place.town))
    return (
        _chosen_from(known, written, nothing),
        _chosen_from(known, _postal_codes(people.language[who], place.town, place.zone), nothing),
        _chosen_from(known, town, nothing),
    )


def _postal_codes(language: Ints, town: Ints, zone: Ints) -> pl.Series:
    """Five digits in Spain, Germany and France, `02-345` in Poland, `SW1A 2BC` in Britain."""
    prefix = words().town_prefixes.gather(town)
    two = pl.Series(zone % 100).cast(pl.String).str.zfill(2)
    three = pl.Series(zone % 1000).cast(pl.String).str.zfill(3)
    letters = pl.Series(list("ABDEFGHJLNPQRSTUWXYZ"))
    british = (
        prefix
        + " "
        + pl.Series(zone % 9 + 1).cast(pl.String)
        + letters.gather(zone % 20)
        + letters.gather(zone // 20 % 20)
    )
    return _chosen_from(language == EN, british, _chosen_from(language == PL, prefix + three, prefix + two))
