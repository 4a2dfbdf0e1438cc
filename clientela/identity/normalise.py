"""Source records made comparable: one frame of clean values, and the cache that made them.

Belongs here: phones, e-mails, tax ids, addresses and dates in one form. Names (`names`) and values
that are nobody's (`placeholders`) have files of their own. Does not belong here: comparing records.

Every value is normalised once: the slow libraries see distinct values that the cache does not hold. The cache carries
values as delivered, so it is as personal as the records: keep it beside them, never in memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from clientela.identity import names
from clientela.identity.nicknames import words
from clientela.identity.placeholders import NOBODYS_DOMAINS, NOTHING, ROLE_MAILBOXES, counted, shared_values, without
from clientela.identity.settings import IdentitySettings

RECORD_SCHEMA: dict[str, pl.DataType] = {
    "record_id": pl.Int64(),
    "source": pl.String(),
    "source_key": pl.String(),
    "given_name": pl.String(),
    "family_name": pl.String(),
    "full_name": pl.String(),
    "email": pl.String(),
    "phone": pl.String(),
    "tax_id": pl.String(),
    "loyalty_id": pl.String(),
    "birth_date": pl.Date(),
    "street": pl.String(),
    "postal_code": pl.String(),
    "city": pl.String(),
    "country": pl.String(),
    "updated_at": pl.Datetime("us", "UTC"),
}
CACHE_SCHEMA: dict[str, pl.DataType] = {
    "kind": pl.String(),
    "raw": pl.String(),
    "country": pl.String(),
    "value": pl.String(),
    "second": pl.String(),
    "reason": pl.String(),
}
MAILBOX_PROVIDERS = {"googlemail.com": "gmail.com"}
DOTS_IGNORED = frozenset({"gmail.com"})
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s.]+$")
_STREET_WORDS: dict[str, str] = {
    **dict.fromkeys(
        words(
            "c calle cl cr carrer av avda avd avenida avinguda ave avenue pza plaza pl plac place platz pg paseo ps st "
            "street str strasse rd road dr drive ln lane blvd boulevard bd bvd rue ul ulica crescent cres circuit cct "
            "court ct close cl parade pde terrace tce way weg gasse al aleja os n no nr num numero number piso planta "
            "floor flat apt apartment apartamento m lok wohnung"
        ),
        "",
    ),
    "sta": "santa",
    "sto": "santo",
    "ctra": "carretera",
    "urb": "urbanizacion",
}
_PERSONAL_TAX_IDS: dict[str, tuple[str, ...]] = {
    "es": ("nif",), "de": ("idnr", "vat"), "fr": ("nif", "nir", "siren", "tva"), "pl": ("pesel", "nip"),
    "it": ("codicefiscale", "iva"), "pt": ("nif",), "nl": ("bsn", "btw"), "be": ("nn", "vat"), "ie": ("pps",),
    "se": ("personnummer",), "fi": ("hetu",), "dk": ("cpr",), "no": ("fodselsnummer",), "gr": ("vat",), "ro": ("cnp",),
    "cz": ("rc",), "au": ("tfn", "abn"), "br": ("cpf", "cnpj"), "ar": ("cuit",), "cl": ("rut",), "mx": ("curp", "rfc"),
    "ch": ("ssn",), "at": ("tin", "uid"), "hr": ("oib",), "ee": ("ik",), "lt": ("asmens",), "bg": ("egn",),
    "co": ("nit",),
}  # fmt: skip


class Clean(NamedTuple):
    """One normalised value: the value (None: nothing usable), a second part where there is one, and why not."""

    value: str | None
    second: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Cleaned:
    """`records`: the columns to compare; `refused`: (record_id, field, value, reason) for each value that is nobody's;
    `new_cache`: rows to add to the cache."""

    records: pl.DataFrame
    refused: pl.DataFrame
    new_cache: pl.DataFrame


@dataclass(frozen=True)
class Normalised:
    """`records`: one row per record with the columns to compare; `new_cache`: rows to add to the cache;
    `placeholders`: values that identify nobody, with the reason."""

    records: pl.DataFrame
    new_cache: pl.DataFrame
    placeholders: pl.DataFrame


def clean_phone(text: str, country: str | None) -> Clean:
    """E.164 (ITU-T), read with the record's country; a number without any country stays as its digits."""
    import phonenumbers

    digits = re.sub(r"\D", "", text)
    if len(digits) < 6:
        return Clean(None, reason="not a phone number")
    national = digits[-9:]
    if len(set(national)) <= 2 or national in ("123456789", "234567890", "987654321", "012345678"):
        return Clean(None, reason="a filler number")
    written = "+" + digits if text.lstrip().startswith("+") else text
    if digits.startswith("00") and not text.lstrip().startswith("+"):
        written = "+" + digits[2:]
    try:
        number = phonenumbers.parse(written, (country or "").upper() or None)
    except phonenumbers.NumberParseException:
        return Clean(digits)
    if not phonenumbers.is_possible_number(number):
        return Clean(None, reason="not a phone number")
    return Clean(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def clean_email(text: str, *, strip_plus_tags: bool = True, use_provider_rules: bool = False) -> Clean:
    """Lower case, no `mailto:` and no plus-tag; `second` is the mailbox without its domain."""
    mail = text.strip().lower().removeprefix("mailto:").strip("<>\"' ")
    if not _EMAIL.match(mail):
        return Clean(None, reason="not an e-mail address")
    box, _, domain = mail.rpartition("@")
    if strip_plus_tags:
        box = box.split("+", 1)[0] or box
    if use_provider_rules:
        domain = MAILBOX_PROVIDERS.get(domain, domain)
        if domain in DOTS_IGNORED:
            box = box.replace(".", "")
    if box in ROLE_MAILBOXES:
        return Clean(None, reason="a mailbox of nobody in particular")
    if domain in NOBODYS_DOMAINS:
        return Clean(None, reason="a domain of nobody")
    return Clean(f"{box}@{domain}", second=box)


def clean_tax_id(text: str, country: str | None) -> Clean:
    """Letters and digits in one form; `second` is `valid` or `invalid` where the country's check digit is known."""
    compact = re.sub(r"[^0-9A-Za-z]", "", text).upper()
    if len(compact) < 5:
        return Clean(None, reason="too short for an id")
    if len(set(re.sub(r"\D", "", compact))) <= 1 or compact.startswith("12345678"):
        return Clean(None, reason="a filler number")
    kinds = _PERSONAL_TAX_IDS.get((country or "").lower(), ())
    if not kinds:
        return Clean(compact)
    for module in (_stdnum_module((country or "").lower(), kind) for kind in kinds):
        if module is not None and module.is_valid(compact):
            return Clean(str(module.compact(compact)).upper(), second="valid")
    return Clean(compact, second="invalid")


def _stdnum_module(country: str, kind: str):  # type: ignore[no-untyped-def]
    from stdnum import get_cc_module

    return get_cc_module(country, kind)


def clean_street(text: str) -> Clean:
    """Words without the kind of street, `Calle Mayor, 5 - 3º B` -> `3 5 b mayor`."""
    written = names.plain_with_lost_letters(text.replace("º", " ").replace("ª", " ").replace("/", " ")).split()
    kept = [_STREET_WORDS.get(word, word) for word in written]
    kept = [re.sub(r"(strasse|straat|str)$", "", word) if len(word) > 6 else word for word in kept]
    # House number first, then the words in alphabetical order: two lines of an address come in either order.
    street = " ".join(sorted((word for word in " ".join(kept).split()), key=lambda word: (word[0].isalpha(), word)))
    return Clean(street or None)


def _clean_full_name(text: str, country: str | None) -> Clean:
    given, family = names.split_full_name(text)
    return Clean(names.given_key(given, country) if given else None, names.family_key(family) if family else None)


def _cleaners(settings: IdentitySettings) -> dict[str, Callable[[str, str | None], Clean]]:
    return {
        "phone": clean_phone,
        "tax_id": clean_tax_id,
        "email": lambda text, _: clean_email(
            text, strip_plus_tags=settings.strip_plus_tags, use_provider_rules=settings.use_provider_rules
        ),
        "street": lambda text, _: clean_street(text),
        "given_name": lambda text, country: Clean(names.given_key(text, country), names.generation("x " + text)),
        "family_name": lambda text, _: Clean(names.family_key(text), names.generation("x " + text)),
        "full_name": _clean_full_name,
    }


KINDS = ("given_name", "family_name", "full_name", "email", "phone", "tax_id", "street")
_NEEDS_COUNTRY = frozenset({"phone", "tax_id", "given_name", "full_name"})


def clean_values(kind: str, values: pl.DataFrame, settings: IdentitySettings | None = None) -> pl.DataFrame:
    """Distinct (raw, country) of one kind -> rows of the cache. The only place where a value meets Python."""
    settings = settings or IdentitySettings()
    cleaner = _cleaners(settings)[kind]
    extra = {text.strip().lower() for text in settings.extra_placeholders.get(kind, ())}
    out: list[tuple[str, str, str | None, str | None, str | None, str | None]] = []
    for raw, country in values.select("raw", "country").iter_rows():
        lowered = raw.strip().lower()
        if not lowered or lowered in NOTHING or lowered in extra:
            clean = Clean(None, reason="a word for nothing" if lowered not in extra else "listed by the company")
        else:
            clean = cleaner(raw, country or settings.default_country)
        out.append((kind, raw, country, clean.value, clean.second, clean.reason))
    return pl.DataFrame(out, schema=CACHE_SCHEMA, orient="row")


def clean(
    records: pl.DataFrame, settings: IdentitySettings | None = None, cache: pl.DataFrame | None = None
) -> Cleaned:
    """Bring each record, by itself, into the form that is compared.

    Per record: record_id, source, given, family, generation, email, mailbox, phone, tax_id, is_tax_id_valid, loyalty_id,
    birth_date, street, postal_code, city, country. Only values that `cache` does not hold meet the libraries.
    """
    settings = settings or IdentitySettings()
    frame = complete(records)
    frame = frame.with_columns(pl.col("country").str.strip_chars().str.to_uppercase())
    known = cache if cache is not None else pl.DataFrame(schema=CACHE_SCHEMA)
    out = frame.select("record_id", "source", "country", "postal_code", "city", "loyalty_id", "birth_date")
    fresh: list[pl.DataFrame] = [pl.DataFrame(schema=CACHE_SCHEMA)]
    refused: list[pl.DataFrame] = []
    for kind in KINDS:
        asked = _asked(frame, kind)
        mine = known.filter(pl.col("kind") == kind).with_columns(pl.lit(True).alias("is_known")).drop("kind")
        found = asked.join(mine, on=["raw", "country"], how="left", nulls_equal=True, maintain_order="left")
        missing = found.filter(pl.col("raw").is_not_null() & pl.col("is_known").is_null())
        if missing.height:
            distinct = missing.select("raw", "country").unique().sort("raw", "country")
            cleaned = clean_values(kind, distinct, settings)
            fresh.append(cleaned)
            mine = pl.concat([mine.drop("is_known"), cleaned.drop("kind")])
            found = asked.join(mine, on=["raw", "country"], how="left", nulls_equal=True, maintain_order="left")
        refused.append(
            found.with_columns(frame["record_id"])
            .drop_nulls("reason")
            .select("record_id", pl.lit(kind).alias("field"), pl.col("raw").alias("value"), "reason")
        )
        out = out.with_columns(found["value"].alias(kind), found["second"].alias(f"{kind}_second"))
    nothing = list(NOTHING)
    generation_in_full = frame.select(
        pl.when(pl.col("given_name").is_null() & pl.col("family_name").is_null())
        .then(pl.col("full_name").str.to_lowercase().str.extract(r"\b(jr|junior|hijo|fils|sr|sen|senior)\b\.?$"))
        .replace({"jr": "junior", "hijo": "junior", "fils": "junior", "sr": "senior", "sen": "senior"})
        .alias("generation")
    )["generation"]
    out = out.select(
        "record_id",
        "source",
        pl.coalesce("given_name", "full_name").alias("given"),
        pl.coalesce("family_name", "full_name_second").alias("family"),
        pl.coalesce("given_name_second", "family_name_second", generation_in_full).alias("generation"),
        "email",
        pl.col("email_second").alias("mailbox"),
        "phone",
        "tax_id",
        (pl.col("tax_id_second") == "valid").alias("is_tax_id_valid"),
        _text("loyalty_id", nothing).str.to_uppercase().alias("loyalty_id"),
        "birth_date",
        "street",
        _text("postal_code", nothing).str.replace_all(r"[\s-]", "").str.to_uppercase().alias("postal_code"),
        _text("city", nothing).str.to_lowercase().str.normalize("NFKD").str.replace_all(r"\p{M}", "").alias("city"),
        "country",
    )
    return Cleaned(records=out, refused=pl.concat(refused), new_cache=pl.concat(fresh))


def normalise(
    records: pl.DataFrame, settings: IdentitySettings | None = None, cache: pl.DataFrame | None = None
) -> Normalised:
    """Records (any of the columns of `RECORD_SCHEMA`; record_id is required) as they are compared: clean, and without
    the values that too many share."""
    settings = settings or IdentitySettings()
    cleaned = clean(records, settings, cache)
    shared = shared_values(cleaned.records, settings)
    return Normalised(
        records=without(cleaned.records, shared),
        new_cache=cleaned.new_cache,
        placeholders=pl.concat([counted(cleaned.refused), shared]).sort("field", "value", "reason"),
    )


def _asked(frame: pl.DataFrame, kind: str) -> pl.DataFrame:
    country = pl.col("country") if kind in _NEEDS_COUNTRY else pl.lit(None, pl.String)
    raw = pl.col(kind)
    if kind == "full_name":
        raw = pl.when(pl.col("given_name").is_null() & pl.col("family_name").is_null()).then(raw)
    return frame.select(raw.alias("raw"), country.alias("country"))


def asked(records: pl.DataFrame) -> pl.DataFrame:
    """(kind, raw, country): the distinct values that cleaning these records will ask for, to look them up in a cache."""
    frame = complete(records).with_columns(pl.col("country").str.strip_chars().str.to_uppercase())
    return pl.concat(
        [
            _asked(frame, kind).drop_nulls("raw").unique().select(pl.lit(kind).alias("kind"), "raw", "country")
            for kind in KINDS
        ]
    )


def complete(records: pl.DataFrame) -> pl.DataFrame:
    """All columns of `RECORD_SCHEMA`, typed; text that is empty becomes null."""
    if "record_id" not in records.columns:
        raise ValueError("identity needs a column record_id: the 63-bit key of (source, source's own id)")
    return records.select(
        (pl.col(name) if name in records.columns else pl.lit(None)).cast(kind, strict=True).alias(name)
        for name, kind in RECORD_SCHEMA.items()
    ).with_columns(pl.when(pl.col(pl.String).str.strip_chars() != "").then(pl.col(pl.String)).name.keep())


def _text(column: str, nothing: list[str]) -> pl.Expr:
    text = pl.col(column).str.strip_chars()
    return pl.when(~text.str.to_lowercase().is_in(nothing)).then(text)
