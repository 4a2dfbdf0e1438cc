"""What a company may decide about segments, with defaults that hold without a decision.

Belongs here: rule segments, limits of the clustering, hysteresis. Does not belong here: anything learned.
"""

from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


class SegmentError(ValueError):
    """Input that no sensible segment can be computed from; the message is one plain sentence."""


def _rising(values: tuple[float, ...]) -> tuple[float, ...]:
    if list(values) != sorted(set(values)):
        raise ValueError(f"must rise from one to the next; they are {list(values)}")
    return values


def _falling(values: tuple[float, ...]) -> tuple[float, ...]:
    if list(values) != sorted(set(values), reverse=True):
        raise ValueError(f"must fall from one to the next; they are {list(values)}")
    return values


Four = Annotated[tuple[float, ...], Field(min_length=4, max_length=4)]
Rising = Annotated[Four, AfterValidator(_rising)]
Falling = Annotated[Four, AfterValidator(_falling)]
Two = Annotated[tuple[float, ...], Field(min_length=2, max_length=2), AfterValidator(_rising)]


class RuleSegment(BaseModel):
    """A segment by rule: customers of whom `predicate`, SQL over the columns of one row, is true."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str = Field(min_length=1)
    predicate: str = Field(min_length=1)


class HysteresisSettings(BaseModel):
    """How firmly a customer is held in their tier or segment."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    margin: float = Field(default=0.1, ge=0, lt=1)
    """A tier changes once the value lies this share beyond the boundary; 0 turns it off."""
    months: int = Field(default=2, ge=1)
    """A label changes once the new one has stood at this many month-ends running; 1 turns it off."""


class ClusterSettings(BaseModel):
    """When micro-segments are refitted, how many there may be, and when they keep their names."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    least_clusters: int = Field(default=3, ge=2)
    most_clusters: int = Field(default=8, ge=2)
    refit_months: int = Field(default=3, ge=1, le=12)
    """Refitted at month-ends of months divisible by this (3: quarters); between them customers are assigned."""
    begin_on: date | None = None
    """The first month-end that clusters are asked for: each fit costs seconds, and an old history many fits."""
    least_customers: int = Field(default=100, ge=20)
    """No fit is made of fewer customers than this."""
    fitting_rows: int = Field(default=20_000, ge=100)
    """At most this many customers, chosen by a seed, are clustered; all are assigned."""
    silhouette_rows: int = Field(default=2_000, ge=50)
    bootstraps: int = Field(default=8, ge=2)
    """Refits on resampled customers that stability is reported from."""
    least_overlap: float = Field(default=0.3, ge=0, le=1)
    """A cluster keeps a name where it shares this part (Jaccard) of its customers with that name's, else it has a new
    one."""
    seed: int = 1

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.least_clusters > self.most_clusters:
            raise ValueError(f"least_clusters, {self.least_clusters}, exceeds most_clusters, {self.most_clusters}")
        return self


class RfmSettings(BaseModel):
    """A company's own fixed thresholds of RFM, for quality.rfm_readings; the fifths that rfm_group rests on need none.
    Four bounds part five scores."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    recency_days: Falling = (365, 180, 90, 30)
    """At most so many days since the last order for the scores 2, 3, 4 and 5."""
    orders: Rising = (2, 4, 8, 16)
    """At least so many orders for the scores 2, 3, 4 and 5."""
    net_revenue: Rising = (50, 200, 500, 1000)
    """At least so much net revenue, company currency, for the scores 2, 3, 4 and 5."""


class SegmentSettings(BaseModel):
    """All that is decided about segments: the section `segments:` of a company's configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    rules: tuple[RuleSegment, ...] = ()
    """Segments by rule, in their order: a customer is in the first whose predicate holds."""
    rfm: RfmSettings | None = None
    """Fixed thresholds, for comparison; without them there is no reading by thresholds: none fits every company."""
    value_tiers: Two = (0.5, 0.8)
    """Shares of the customers not gone, by expected value, below which the tiers low and medium end."""
    engagement_tiers: Two = (40, 60)
    """Engagement scores at which the tiers medium and high begin."""
    hysteresis: HysteresisSettings = Field(default_factory=HysteresisSettings)
    clusters: ClusterSettings = Field(default_factory=ClusterSettings)

    @model_validator(mode="after")
    def _within(self) -> Self:
        if not 0 < self.value_tiers[0] < self.value_tiers[1] < 1:
            raise ValueError(f"value_tiers are shares between 0 and 1; they are {list(self.value_tiers)}")
        return self
