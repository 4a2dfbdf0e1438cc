"""Exact rules: records that agree on all fields of one are one person, without a weight."""

from __future__ import annotations

from collections.abc import Iterator

from clientela.identity.settings import ExactRule
from clientela.sql.quoting import literal

EXACT_WEIGHT = 1000.0
"""The weight of a link by an exact rule: more than any sum of evidence."""
ONLY_BEARER = "email, its only bearer"


def exact_rules(rules: tuple[ExactRule, ...]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """(name, fields, SQL) of each rule; the SQL gives its links (node_l, node_r, rule, weight) among the nodes of `mine`.

    Each group of nodes that agree on all fields is a star around its smallest node, so the work is linear. If the group
    disagrees on birth date, valid tax id or generation, only those that agree on all are linked: the father is not the
    son. The last rule is not the company's: an e-mail without a first name belongs to the one person known to use it; if
    a family uses it, to nobody.
    """
    for rule in rules:
        fields = ", ".join(rule.fields)
        known = " and ".join(f"{field} is not null" for field in rule.fields)
        if rule.fields == ("tax_id",):
            known += " and (is_tax_id_valid or country is null)"
        disputed = " or ".join(
            f"coalesce(min({column}) over one <> max({column}) over one, false)"
            for column in ("birth_date", "generation", "case when is_tax_id_valid then tax_id end")
        )
        yield (
            rule.name,
            rule.fields,
            f"""
            with
            several as (select {fields} from mine where {known} group by {fields} having count(*) > 1),
            grouped as (
                select node, birth_date, min(node) over one as first_node, {disputed} as is_disputed,
                    min(node) over (
                        partition by {fields}, birth_date, generation, case when is_tax_id_valid then tax_id end
                    ) as first_alike
                from mine semi join several using ({fields}) where {known} window one as (partition by {fields})
            )
            select case when is_disputed then first_alike else first_node end as node_l, node as node_r,
                {literal(rule.name)} as rule, {EXACT_WEIGHT} as weight
            from grouped where node_l < node and (not is_disputed or birth_date is not null)
            """,
        )
    yield (
        ONLY_BEARER,
        ("email",),
        f"""
        with
        half_named as (select email from mine group by email having count(*) > count(given)),
        aimed as (
            select node, given, case
                when count(given) over one = 0 then min(node) over one
                when min(given) over one = max(given) over one then min(node) filter (where given is not null) over one
            end as target
            from mine semi join half_named using (email) window one as (partition by email)
        )
        select least(node, target) as node_l, greatest(node, target) as node_r, '{ONLY_BEARER}' as rule,
            {EXACT_WEIGHT} as weight
        from aimed where given is null and target <> node
        """,
    )
