"""What a company may decide about retention, with defaults that hold without a decision.

Belongs here: thresholds and limits that a manager can read, as typed models. Does not belong here: anything learned.
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Reason = Literal["rhythm_broken", "complaint_open", "fewer_categories", "contact_withdrawn"]


class RhythmSettings(BaseModel):
    """How strongly a customer's rhythm leans on their cohort's, and a cohort's on the company's."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    cohort_gaps: float = Field(default=2.0, gt=0)
    """A customer's rhythm is that of their own gaps and of this many typical gaps of their cohort, taken together."""
    company_gaps: float = Field(default=30.0, ge=0)
    """A cohort's rhythm is that of its own customers and of this many of the whole company's."""
    maturity_days: int = Field(default=180, ge=0)
    """First gaps of at most this length count, once their customer has been watched so long: all cohorts alike. Set it
    to a length within which most second purchases come; with 0 every closed first gap counts."""
    least_mature: int = Field(default=30, ge=1)
    """With fewer mature first gaps in the company than this, every closed first gap counts."""
    least_gaps: int = Field(default=10, ge=1)
    """With fewer closed first gaps in the company than this, nobody has a rhythm, and fixed days judge silences."""


class StateSettings(BaseModel):
    """A customer is slowing, at risk or lapsed when their silence exceeds their rhythm by so many of their own spreads."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    rule: Literal["rhythm", "fixed_days"] = "rhythm"

    slowing_spreads: float = Field(default=1.0, gt=0)
    at_risk_spreads: float = Field(default=2.0, gt=0)
    lapsed_spreads: float = Field(default=3.0, gt=0)
    lapsed_at_least_days: int = Field(default=45, ge=1)
    """Nobody is lapsed by rhythm before so many silent days, however often they used to buy."""
    lapsed_at_most_days: int = Field(default=730, ge=1)
    """Everybody is lapsed by rhythm after so many silent days, however rarely they used to buy."""

    slowing_days: int = Field(default=60, ge=1)
    at_risk_days: int = Field(default=90, ge=1)
    lapsed_days: int = Field(default=180, ge=1)
    """The three of the fixed rule; they also serve while a company has no rhythm yet (see least_gaps)."""

    new_days: int = Field(default=90, ge=1)
    returned_days: int = Field(default=90, ge=1)
    """For how long after their first order, or their return, a customer who keeps their rhythm is called so."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for rising in (
            ("slowing_spreads", "at_risk_spreads", "lapsed_spreads"),
            ("slowing_days", "at_risk_days", "lapsed_days"),
            ("lapsed_at_least_days", "lapsed_at_most_days"),
        ):
            values = [getattr(self, name) for name in rising]
            if values != sorted(values):
                raise ValueError(f"{', '.join(rising)} must not fall; they are {values}")
        return self


class ChurnSettings(BaseModel):
    """What period churn is foretold for."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    horizon_months: Literal[3, 6, 12] = 3
    """Months without an order that count as having left: `churn_probability`, `expected_value_at_risk` and the reasons."""


class ReasonSettings(BaseModel):
    """When a reason holds, and which is named first."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    order: tuple[Reason, ...] = ("rhythm_broken", "complaint_open", "fewer_categories", "contact_withdrawn")
    """Which reason is named first; `reasons.reason_lifts` says what the company's own past would put first."""
    broken_spreads: float = 2.0
    """Silence beyond the rhythm by more spreads than this breaks it."""
    categories_kept_share: float = Field(default=0.5, gt=0, le=1)
    """Fewer categories: of those bought in the previous window, less than this share in the latest one."""


class RetentionSettings(BaseModel):
    """All that is decided about retention: the section `retention:` of a company's configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    rhythm: RhythmSettings = Field(default_factory=RhythmSettings)
    states: StateSettings = Field(default_factory=StateSettings)
    churn: ChurnSettings = Field(default_factory=ChurnSettings)
    reasons: ReasonSettings = Field(default_factory=ReasonSettings)
