"""What a company may decide about identity, with defaults that hold without a decision.

Belongs here: rules, thresholds, limits and resources, as one typed model. Does not belong here: anything learned from
data (`model`), or which file these settings come from.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MatchField = Literal[
    "given", "family", "email", "phone", "tax_id", "loyalty_id", "birth_date", "street", "postal_code", "city"
]
SurvivorshipRule = Literal["most_trusted", "most_recent", "most_frequent", "longest", "any"]


class ExactRule(BaseModel):
    """Records that agree on every one of `fields` are linked, unless a veto speaks against it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    fields: tuple[MatchField, ...] = Field(min_length=1)


class IdentitySettings(BaseModel):
    """How this company recognises its customers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    match: Literal["auto", "always", "exact", "never"] = "auto"
    """`auto` skips matching for a single source; `exact` applies the exact rules only; `never` keeps records apart."""

    exact_rules: tuple[ExactRule, ...] = (
        ExactRule(name="tax_id", fields=("tax_id",)),
        ExactRule(name="loyalty_id+name", fields=("loyalty_id", "given")),
        ExactRule(name="email+name", fields=("email", "given")),
        ExactRule(name="phone+name", fields=("phone", "given", "family")),
    )
    link_weight: float = 3.0
    """A scored pair links from this match weight on: log2 of the odds that both are one customer; 3 is 8 to 1."""
    weak_weight: float = 6.0
    """A link below this weight is weak: alone it may not hold two groups of records together."""
    evidence_weight: float = 2.0
    """What only a person has (not the family, the house or the shared phone) must weigh at least this much."""

    default_country: str | None = None
    """ISO code used to read phones and tax ids of records without a country."""
    strip_plus_tags: bool = True
    use_provider_rules: bool = False
    """Gmail and the like ignore dots; two providers' domains are one mailbox (googlemail.com, gmail.com)."""

    extra_placeholders: dict[str, tuple[str, ...]] = {}
    """Field -> values that a company knows to be nobody's."""
    max_people_per_value: dict[str, int] = {"email": 6, "phone": 10, "tax_id": 4, "loyalty_id": 8}
    """A value borne by more differently named people than this identifies nobody."""

    max_block_size: int = Field(default=60, ge=2)
    """Blocks with more distinct records than this are not compared: the work stays linear in records."""
    max_cluster_size: int = Field(default=40, ge=2)
    """More distinct records than this in one customer is implausible: weak links are cut until it is not."""

    survivorship: dict[str, SurvivorshipRule] = {}
    """Field -> rule; fields not named follow `default_survivorship`."""
    default_survivorship: SurvivorshipRule = "most_recent"
    trusted_sources: tuple[str, ...] = ()
    """Most trusted first; sources not named come after, equal among themselves."""
    field_groups: dict[str, tuple[str, ...]] = {"address": ("street", "postal_code", "city", "country")}
    """Fields that are taken together from one record."""

    find_households: bool = False

    seed: int = 1
    memory_limit: str = "3GB"
    threads: int = Field(default=2, ge=1)
    temp_directory: str | None = None
    """Where Splink's private DuckDB may spill; by default a directory that lasts as long as the run."""
