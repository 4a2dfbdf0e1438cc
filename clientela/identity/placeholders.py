"""Placeholders: values that identify nobody, such as `info@` or 1900-01-01, and values that too many people share."""

from __future__ import annotations

import polars as pl

from clientela.identity.nicknames import words
from clientela.identity.settings import IdentitySettings

PLACEHOLDER_SCHEMA: dict[str, pl.DataType] = {
    "field": pl.String(),
    "value": pl.String(),
    "reason": pl.String(),
    "record_count": pl.Int64(),
    "people_count": pl.Int64(),
}
"""`value` is personal for e-mails, phones and ids: mask it where it is published."""
NOTHING = frozenset(
    words("- -- . .. x xx xxx xxxx 0 00 000 na n/a n.a. n.a nan nil none null unknown undefined missing test prueba "
    "tbd desconocido desconocida sin-nombre noname anonymous anonimo anonim unbekannt inconnu inconnue nieznany brak "
    "keine kein aucun aucune ninguno customer cliente kunde client klient")
)  # fmt: skip
ROLE_MAILBOXES = frozenset(
    words("info contact contacto kontakt office sales ventas admin administrador administracion noreply no-reply "
    "donotreply hello hola hallo bonjour support soporte service mail email webmaster postmaster reception recepcion "
    "biuro sklep tienda shop store test prueba none nobody noemail no-email nomail sinemail sincorreo notiene "
    "unknown xxx a aa aaa abc")
)  # fmt: skip
NOBODYS_DOMAINS = frozenset(
    words("example.com example.org example.net test.com none.com nomail.com noemail.com no.com email.com")
)
DEFAULT_DATES = ("1900-01-01", "1901-01-01", "1970-01-01", "1899-12-30", "1753-01-01", "9999-12-31")


def counted(refused: pl.DataFrame) -> pl.DataFrame:
    """Refused values (record_id, field, value, reason), one row per value, in `PLACEHOLDER_SCHEMA`."""
    return (
        refused.group_by("field", "value", "reason")
        .agg(pl.len().cast(pl.Int64).alias("record_count"), pl.lit(None, pl.Int64).alias("people_count"))
        .select(*PLACEHOLDER_SCHEMA)
    )


def shared_values(cleaned: pl.DataFrame, settings: IdentitySettings) -> pl.DataFrame:
    """Values that too many records share, in `PLACEHOLDER_SCHEMA`; `cleaned` needs the columns that it compares.

    Dates that systems fill in: the usual ones, and any day far too many were born on (50 records and 0.5 %). Other
    values: those borne by more people than one household or one person's many records explain. People are told apart by
    their initials, so that misspelt records of one person count once; fifty records without a name count as one more.
    """
    counts = cleaned.drop_nulls("birth_date").group_by("birth_date").agg(pl.len().cast(pl.Int64).alias("record_count"))
    is_usual = pl.col("birth_date").dt.to_string("%Y-%m-%d").is_in(list(DEFAULT_DATES)) & (pl.col("record_count") > 1)
    is_too_many = (pl.col("record_count") >= 50) & (pl.col("record_count") > 0.005 * pl.col("record_count").sum())
    listed = [
        counts.filter(is_usual | (is_too_many & (pl.len() > 20))).select(
            pl.lit("birth_date").alias("field"),
            pl.col("birth_date").dt.to_string("%Y-%m-%d").alias("value"),
            pl.lit("a date that systems fill in").alias("reason"),
            "record_count",
            pl.lit(None, pl.Int64).alias("people_count"),
        )
    ]
    initials = pl.concat_str(
        pl.min_horizontal(pl.col("given").str.slice(0, 1), pl.col("family").str.slice(0, 1)),
        pl.max_horizontal(pl.col("given").str.slice(0, 1), pl.col("family").str.slice(0, 1)),
    )
    for field, limit in settings.max_people_per_value.items():
        sizes = cleaned.drop_nulls(field).group_by(field).agg(pl.len().alias("record_count"))
        often = sizes.filter(pl.col("record_count") > limit).select(field)
        listed.append(
            cleaned.join(often, on=field, how="semi")
            .with_columns(initials.alias("initials"))
            .group_by(field)
            .agg(
                pl.len().cast(pl.Int64).alias("record_count"),
                (pl.col("initials").drop_nulls().n_unique() + pl.col("initials").null_count() // 50)
                .cast(pl.Int64)
                .alias("people_count"),
            )
            .filter(pl.col("people_count") > limit)
            .select(
                pl.lit(field).alias("field"),
                pl.col(field).alias("value"),
                pl.lit("borne by too many people").alias("reason"),
                "record_count",
                "people_count",
            )
        )
    return pl.concat(listed)


def without(cleaned: pl.DataFrame, shared: pl.DataFrame) -> pl.DataFrame:
    """The records without the values (field, value) that too many share."""
    for (field,), values in shared.partition_by("field", as_dict=True).items():
        text = pl.col("birth_date").dt.to_string("%Y-%m-%d") if field == "birth_date" else pl.col(str(field))
        is_shared = text.is_in(values["value"].implode()).fill_null(False)
        also = {"email": ["mailbox"], "tax_id": ["is_tax_id_valid"]}.get(str(field), [])
        cleaned = cleaned.with_columns(pl.when(~is_shared).then(column).alias(column) for column in [str(field), *also])
    return cleaned
