"""What a company may decide about identity, with defaults that hold without a decision.

Belongs here: rules, thresholds, limits and resources, as one typed model: the `identity:` section of clientela.yml. Does
not belong here: anything learned from data (`model`), or pairs that someone decided (reference table
`identity_decisions`).
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MatchField = Literal[
    "given", "family", "email", "phone", "tax_id", "loyalty_id", "birth_date", "street", "postal_code", "city"
]
Veto = Literal[
    "different_tax_ids",
    "different_generations",
    "different_birth_dates",
    "different_family_names",
    "different_first_names",
]
SurvivorshipRule = Literal["most_trusted", "most_recent", "most_frequent", "longest", "any"]
#: what the golden record is made of, in the order in which it is shown
GOLDEN_FIELDS = (
    "given_name", "family_name", "full_name", "company_name", "email", "phone", "tax_id", "loyalty_id", "birth_date",
    "street", "postal_code", "city", "region", "country", "language",
)  # fmt: skip

#: what can be expected of a night: the measures that are one number
MEASURES = (
    "customers", "largest_customer_records", "oversized_customers", "records_changed_customer",
    "share_records_changed_customer", "weak_links", "share_weak_links", "doubtful_links", "links_by_home_alone",
    "precision", "recall", "f1",
)  # fmt: skip


class ExactRule(BaseModel):
    """Records that agree on every one of `fields` are linked, unless a veto speaks against it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, description="The name that evidence and events call it by.")
    fields: tuple[MatchField, ...] = Field(
        min_length=1, description="Normalised fields that must all be known and agree; `given` is the first name."
    )


class ExpectedRange(BaseModel):
    """Where a measure of the night must lie for its marts to be published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    minimum: float | None = None
    maximum: float | None = None


class IdentitySettings(BaseModel):
    """How this company recognises its customers, and what a golden record is made of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    match: Literal["auto", "always", "exact", "never"] = Field(
        "auto",
        description="`auto` matches where two sources or more deliver customers; `always` also within one; `exact` applies "
        "the exact rules only; `never` keeps records apart.",
    )
    exact_rules: tuple[ExactRule, ...] = Field(
        (
            ExactRule(name="tax_id", fields=("tax_id",)),
            ExactRule(name="loyalty_id+name", fields=("loyalty_id", "given")),
            ExactRule(name="email+name", fields=("email", "given")),
            ExactRule(name="phone+name", fields=("phone", "given", "family")),
        ),
        description="Strong keys, tried before evidence is weighed.",
    )
    vetoes: tuple[Veto, ...] = Field(
        (
            "different_tax_ids",
            "different_generations",
            "different_birth_dates",
            "different_family_names",
            "different_first_names",
        ),
        description="What keeps two records apart whatever links them, but for an always-link decision.",
    )
    link_weight: float = Field(
        3.0,
        description="A weighed pair links from this match weight on: log2 of the odds that both are one; 3 is 8 to 1.",
    )
    weak_weight: float = Field(
        6.0, description="A link below this weight is weak: alone it may not hold two groups of records together."
    )
    evidence_weight: float = Field(
        2.0,
        description="What only a person has (not the family, the house or the shared phone) must weigh this much at least.",
    )

    rare_name_probability: float = Field(
        0.95,
        gt=0.5,
        le=1,
        description="Two customers of different sources of whom nothing can be compared but an equal full name are one from "
        "this probability on, by how rare the name is; 1: never.",
    )

    default_country: str | None = Field(
        None,
        pattern=r"^[A-Za-z]{2}$",
        description="ISO code by which phones and tax ids of records without a country are read.",
    )
    strip_plus_tags: bool = Field(True, description="ana+shop@mail.com is ana@mail.com.")
    use_provider_rules: bool = Field(
        False, description="Gmail ignores dots; domains of one provider are one mailbox (googlemail.com, gmail.com)."
    )
    extra_placeholders: dict[str, tuple[str, ...]] = Field(
        {}, description="Field: values as delivered that the company knows to be nobody's."
    )
    max_people_per_value: dict[Literal["email", "phone", "tax_id", "loyalty_id"], int] = Field(
        {"email": 6, "phone": 10, "tax_id": 4, "loyalty_id": 8},
        description="A value borne by more differently named people than this identifies nobody.",
    )

    max_block_size: int = Field(
        60, ge=2, description="Blocks with more distinct records are not compared: the work stays linear in records."
    )
    max_cluster_size: int = Field(
        40,
        ge=2,
        description="More distinct records in one customer are implausible: weak links are cut until they are not.",
    )

    survivorship: dict[str, SurvivorshipRule] = Field(
        {}, description="Field, or group of fields: the rule by which its value is chosen."
    )
    default_survivorship: SurvivorshipRule = Field("most_recent", description="The rule of fields that are not named.")
    trusted_sources: tuple[str, ...] = Field(
        (), description="Most trusted first; sources not named come after, equal among themselves."
    )
    field_groups: dict[str, tuple[str, ...]] = Field(
        {"address": ("street", "postal_code", "city", "region", "country")},
        description="Fields that are taken together from one record.",
    )

    find_households: bool = Field(False, description="Find who shares a home and a name, or a home and a phone.")

    expected: dict[str, ExpectedRange] = Field(
        {"share_records_changed_customer": ExpectedRange(maximum=0.02)},
        description="Measure of `identity_measures`: the range outside which nothing is published.",
    )
    few_changes: int = Field(
        20, ge=0, description="So many records may change their customer in one night, whatever their share."
    )

    seed: int = Field(1, description="Seed of every sampling step of training.")
    memory_limit: str = Field("3GB", description="Memory that Splink's private DuckDB may use.")
    threads: int = Field(2, ge=1)
    temp_directory: str | None = Field(
        None, description="Where Splink may spill; by default a folder of the run's own."
    )

    @model_validator(mode="after")
    def _names_are_known(self) -> IdentitySettings:
        grouped = [field for fields in self.field_groups.values() for field in fields]
        for field in grouped:
            if field not in GOLDEN_FIELDS:
                raise ValueError(f"field_groups: {field!r} is not a field; there are: {', '.join(GOLDEN_FIELDS)}")
            if grouped.count(field) > 1:
                raise ValueError(f"field_groups: {field!r} is in more than one group")
        chosen = [*self.field_groups, *(field for field in GOLDEN_FIELDS if field not in grouped)]
        for name in self.survivorship:
            if name not in chosen:
                raise ValueError(f"survivorship: {name!r} is not chosen by itself; what is: {', '.join(chosen)}")
        for name in self.expected:
            if name not in MEASURES:
                raise ValueError(f"expected: {name!r} is not a measure; there are: {', '.join(MEASURES)}")
        return self

    def matching(self) -> dict[str, Any]:
        """The settings that evidence rests on, as plain values: others can change without a pair being weighed again."""
        aside = {
            "survivorship", "default_survivorship", "trusted_sources", "field_groups", "find_households", "expected",
            "few_changes", "seed", "memory_limit", "threads", "temp_directory",
        }  # fmt: skip
        return self.model_dump(mode="json", exclude=aside)
