"""What is compared of two records, and how finely: the levels of agreement of each field, slips of names among them.

What each level weighs is learnt in `model`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass


def _level(label: str, sql: str, m: float, u: float, **more: Any) -> dict[str, Any]:
    return {"label_for_charts": label, "sql_condition": sql, "m_probability": m, "u_probability": u, **more}


def _missing(*columns: str) -> dict[str, Any]:
    sql = " or ".join(f"{column}_l is null or {column}_r is null" for column in columns)
    return {"label_for_charts": "missing", "sql_condition": sql, "is_null_level": True}


def _one_slip(column: str) -> str:
    """The two are at most one slip apart. One slip leaves the first or the second half of the shorter as it was; that is
    asked first, since the distance is a hundred times slower."""
    left, right = f"{column}_l", f"{column}_r"
    half = f"(least(len({left}), len({right})) - 1) // 2"
    halves = " or ".join(f"{side}({left}, {half}) = {side}({right}, {half})" for side in ("left", "right"))
    return f"abs(len({left}) - len({right})) <= 1 and ({halves}) and damerau_levenshtein({left}, {right}) <= 1"


def _word_in_common(column: str) -> str:
    return f"list_has_any(string_split({column}_l, ' '), string_split({column}_r, ' '))"


_SWAPPED = "(given_l = family_r and family_l = given_r)"
_NEARLY_SWAPPED = (
    "(left(given_l, 1) = left(family_r, 1) and left(family_l, 1) = left(given_r, 1) and given_l <> given_r "
    "and family_l <> family_r and jaro_winkler_similarity(given_l, family_r) >= 0.88 "
    "and jaro_winkler_similarity(family_l, given_r) >= 0.88)"
)


def lost_letters_agree(left: str, right: str) -> str:
    """SQL: one of the two has lost letters, and they agree in all others. A lost letter is one or two of a key (`ß` is
    `ss`), and two marks in a row may be the two bytes of one letter."""

    def pattern(text: str) -> str:
        return f"replace(replace({text}, '??', '[^ ]{{1,4}}'), '?', '[^ ]{{1,2}}')"

    return (
        f"((contains({left}, '?') or contains({right}, '?')) and (regexp_full_match({right}, {pattern(left)}) "
        f"or regexp_full_match({left}, {pattern(right)})))"
    )


def initial_agrees(left: str, right: str) -> str:
    """SQL: one of two first names is an initial, and the other may begin with it. `left`, `right`: as `l.{}`, `{}_r`."""

    def agrees(one: str, other: str) -> str:
        return f"(len({one.format('given')}) = 1 and contains({other.format('given_initials')}, {one.format('given')}))"

    return f"({agrees(left, right)} or {agrees(right, left)})"


def slip_in_first_name(left: str, right: str) -> str:
    """SQL: one of two first names is at most one slip from a way of writing the other; of two the first letter is right.

    `Munu` is a slip of `Manu`, and so of `manuel`. The nodes carry `given_forms` (see `evidence.with_parts`).
    `left`, `right`: as `l.{}`, `{}_r`.
    """

    def slip(one: str, other: str) -> str:
        given, forms = one.format("given"), other.format("given_forms")
        return (
            f"(contains({other.format('given_initials')}, left({given}, 1)) and len(list_filter({forms}, lambda form: "
            f"abs(len(form) - len({given})) <= 1 and least(len(form), len({given})) >= 3 "
            f"and left(form, 1) = left({given}, 1) and damerau_levenshtein(form, {given}) <= 1)) > 0)"
        )

    return f"({slip(left, right)} or {slip(right, left)})"


def slip_in_short_name(left: str, right: str) -> str:
    """SQL: two names of which the shorter has 3 letters or more are one slip apart, and their first letter is the same."""
    return (
        f"(least(len({left}), len({right})) >= 3 and abs(len({left}) - len({right})) <= 1 "
        f"and left({left}, 1) = left({right}, 1) and damerau_levenshtein({left}, {right}) <= 1)"
    )


def comparisons(node_count: int, distinct_days: int) -> list[dict[str, Any]]:
    """What is compared. The u of exact agreement on what belongs to a person or a house is set, not sampled.

    A random sample of a small file is full of true matches, which would make an e-mail look common; so: an e-mail or a
    loyalty card is taken to be shared with 0.3 other people, a phone and a home with 1, a tax id with 0.01.
    """
    n = max(node_count, 1000)
    day = 1.2 / max(distinct_days, 2000)
    return [
        {
            "output_column_name": "given",
            "comparison_levels": [
                _missing("given"),
                _level("same", "given_l = given_r", 0.80, 0.01, tf_adjustment_column="given"),
                _level("names swapped", _SWAPPED, 0.01, 0.0005),
                _level("lost letters", lost_letters_agree("given_l", "given_r"), 0.02, 0.00025),
                _level(
                    "one name of several",
                    f"(contains(given_l, ' ') or contains(given_r, ' ')) and {_word_in_common('given')}",
                    0.04,
                    0.01,
                ),
                _level(
                    "misspelt",
                    f"(jaro_winkler_similarity(given_l, given_r) >= 0.86 or {slip_in_first_name('{}_l', '{}_r')}) "
                    "and not (is_given_common_l and is_given_common_r)",
                    0.08,
                    0.003,
                ),
                _level("names swapped and misspelt", _NEARLY_SWAPPED, 0.004, 0.0004),
                _level(
                    "initial",
                    initial_agrees("{}_l", "{}_r"),
                    0.08,
                    0.01,
                ),
                _level("different", "ELSE", 0.04, 0.97),
            ],
        },
        {
            "output_column_name": "family",
            "comparison_levels": [
                _missing("family"),
                _level("same", "family_l = family_r", 0.80, 0.003, tf_adjustment_column="family"),
                _level("names swapped", _SWAPPED, 0.01, 2e-5),
                _level("lost letters", lost_letters_agree("family_l", "family_r"), 0.02, 0.00008),
                _level(
                    "two names, one in common",
                    f"contains(family_l, ' ') and contains(family_r, ' ') and {_word_in_common('family')}",
                    0.03,
                    0.004,
                ),
                _level(
                    "the first of two names",
                    "family_first_l = family_first_r",
                    0.06,
                    0.006,
                    tf_adjustment_column="family_first",
                ),
                _level("the second of two names", _word_in_common("family"), 0.01, 0.004),
                _level(
                    "misspelt",
                    f"jaro_winkler_similarity(family_l, family_r) >= 0.88 or {slip_in_short_name('family_l', 'family_r')}",
                    0.08,
                    0.004,
                ),
                _level("names swapped and misspelt", _NEARLY_SWAPPED, 0.004, 2e-5),
                _level("different", "ELSE", 0.06, 0.985),
            ],
        },
        {
            "output_column_name": "birth_date",
            "comparison_levels": [
                _missing("born"),
                _level("same", "born_l = born_r", 0.92, day),
                _level(
                    "a slip",
                    f"({_one_slip('born')}) or (left(born_l, 4) = left(born_r, 4) "
                    "and right(born_l, 2) || substr(born_l, 5, 2) = right(born_r, 4))",
                    0.05,
                    60 * day,
                ),
                _level("different", "ELSE", 0.03, 0.99),
            ],
        },
        {
            "output_column_name": "email",
            "comparison_levels": [
                _missing("email"),
                _level("same", "email_l = email_r", 0.60, 0.3 / n),
                # ana.gil at two providers may be two people; with a number in it, hardly
                _level(
                    "same mailbox elsewhere",
                    "mailbox_l = mailbox_r and len(mailbox_l) >= 6 and regexp_matches(mailbox_l, '[0-9]{2}')",
                    0.05,
                    0.3 / n,
                ),
                _level("misspelt", f"len(email_l) >= 9 and {_one_slip('email')}", 0.05, 0.3 / n),
                _level("different", "ELSE", 0.30, 0.999),
            ],
        },
        {
            "output_column_name": "phone",
            "comparison_levels": [
                _missing("phone_digits"),
                _level("same", "phone_digits_l = phone_digits_r", 0.60, 1.0 / n),
                _level("a slip", _one_slip("phone_digits"), 0.05, 3.0 / n),
                _level("different", "ELSE", 0.35, 0.999),
            ],
        },
        {
            "output_column_name": "tax_id",
            "comparison_levels": [
                _missing("tax_id"),
                _level("same", "tax_id_l = tax_id_r", 0.90, 0.01 / n),
                _level("a slip", _one_slip("tax_id"), 0.07, 5.0 / n),
                _level("two slips", "damerau_levenshtein(tax_id_l, tax_id_r) <= 2", 0.02, 60.0 / n),
                _level("different", "ELSE", 0.03, 0.999),
            ],
        },
        {
            "output_column_name": "loyalty_id",
            "comparison_levels": [
                _missing("loyalty_id"),
                _level("same", "loyalty_id_l = loyalty_id_r", 0.80, 0.3 / n),
                _level("different", "ELSE", 0.20, 0.999),
            ],
        },
        {
            "output_column_name": "address",
            "comparison_levels": [
                {
                    "label_for_charts": "missing",
                    "sql_condition": "coalesce(street_l, postal_code_l, city_l) is null "
                    "or coalesce(street_r, postal_code_r, city_r) is null",
                    "is_null_level": True,
                },
                _level(
                    "same home",
                    "street_l = street_r and (postal_code_l = postal_code_r or city_l = city_r)",
                    0.50,
                    1.0 / n,
                ),
                _level(
                    "nearly the same home",
                    "jaro_winkler_similarity(replace(street_l, ' ', ''), replace(street_r, ' ', '')) >= 0.86 "
                    "and (postal_code_l = postal_code_r or city_l = city_r)",
                    0.15,
                    6.0 / n,
                ),
                _level("same street, other place", "street_l = street_r", 0.03, 0.0005),
                _level("same postal code", "postal_code_l = postal_code_r", 0.10, 0.003),
                _level("same place", "city_l = city_r", 0.05, 0.03),
                _level("different", "ELSE", 0.17, 0.96),
            ],
        },
    ]


def with_levels_of_today(parameters: dict[str, Any], node_count: int) -> dict[str, Any]:
    """What a model learnt, m and u by level, with the levels as this release compares them.

    A level that the model does not know yet weighs what it weighs by default until someone trains anew.
    """
    today = {one["output_column_name"]: one["comparison_levels"] for one in comparisons(node_count, 0)}
    updated: dict[str, Any] = json.loads(json.dumps(parameters))
    for comparison in updated["comparisons"]:
        learnt = {level["label_for_charts"]: level for level in comparison["comparison_levels"]}
        comparison["comparison_levels"] = [
            {**level, **learnt.get(level["label_for_charts"], {}), "sql_condition": level["sql_condition"]}
            for level in today[comparison["output_column_name"]]
        ]
    return updated
