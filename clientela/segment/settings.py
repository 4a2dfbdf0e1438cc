"""What a company may decide about segments, with defaults that hold without a decision.

Belongs here: rule segments, limits of the clustering, hysteresis. Does not belong here: anything learned.
"""

from datetime import date
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SegmentError(ValueError):
    """Input that no sensible segment can be computed from; the message is one plain sentence."""


class RuleSegment(BaseModel):
    """A segment by rule: customers of whom `predicate`, SQL over the columns of one row, is true."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    predicate: str = Field(min_length=1)


class HysteresisSettings(BaseModel):
    """How firmly a customer is held in his tier or segment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    margin: float = Field(default=0.1, ge=0, lt=1)
    """A tier changes once the value lies this share beyond the boundary; 0 turns it off."""
    months: int = Field(default=2, ge=1)
    """A label changes once the new one has stood at this many month-ends running; 1 turns it off."""


class ClusterSettings(BaseModel):
    """When micro-segments are refitted, how many there may be, and when they keep their names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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
