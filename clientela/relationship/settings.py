"""What a company may decide about contacting its customers, with defaults that hold without a decision.

Belongs here: what is allowed where nobody was asked, how often is too often, how long a campaign is watched. Does not belong
here: what a customer said, which is data.
"""

from datetime import time
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from clientela.contracts.entities import CHANNELS

TRANSACTIONAL = "transactional"
RELATIONSHIP = "relationship"


def _purpose(value: str) -> str:
    purpose = value.strip().lower()
    if purpose == TRANSACTIONAL:
        raise ValueError("transactional contact needs no permission and is not limited; name another purpose")
    return purpose


def _channel(value: str) -> str:
    channel = value.strip().lower()
    if channel not in CHANNELS:
        raise ValueError(f"{value!r} is not a channel; there are: {', '.join(CHANNELS)}")
    return channel


_HOUR = r"^([01]\d|2[0-3]):[0-5]\d$"

Purpose = Annotated[str, Field(min_length=1), AfterValidator(_purpose)]
Channel = Annotated[str, AfterValidator(_channel)]


class DefaultPermission(BaseModel):
    """What holds for a purpose and a channel while the customer has said nothing about it. The narrowest that fits counts."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    purpose: Purpose
    """The purpose; `relationship` stands for all but transactional contact."""
    channel: Channel | None = None
    """The channel; all where not given."""
    status: Literal["granted", "refused"] = "granted"


class ContactLimit(BaseModel):
    """How often is too often: once so many contacts went out within so many days, the next has to wait."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    purpose: Purpose = RELATIONSHIP
    """The purpose that has to wait; `relationship` stands for all but transactional contact."""
    channel: Channel | None = None
    """The channel whose contacts are counted, and that has to wait; all together where not given."""
    max_contacts: int = Field(ge=1)
    per_days: int = Field(ge=1)
    """Days counted back from the as-of day, which is the first of them."""


class QuietHours(BaseModel):
    """Hours of the company's day in which nothing is written out that would have customers contacted."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    channel: Channel | None = None
    """The channel that rests; all where not given."""
    begins: str = Field(pattern=_HOUR)
    """Hour and minute from which it is quiet, `21:00`."""
    ends: str = Field(pattern=_HOUR)
    """Hour and minute at which that is over; before `begins` it is one of the next day."""

    def covers(self, channel: str, moment: time) -> bool:
        """Whether the channel rests at that hour."""
        if self.channel not in (None, channel):
            return False
        begins, ends = time.fromisoformat(self.begins), time.fromisoformat(self.ends)
        return begins <= moment < ends if begins <= ends else moment >= begins or moment < ends


class PermissionSettings(BaseModel):
    """Whom one may contact, for what and by which channel, beside what customers themselves decided."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    defaults: tuple[DefaultPermission, ...] = ()
    """What holds where a customer said nothing; without one the answer is no."""
    limits: tuple[ContactLimit, ...] = ()
    """Limits to how often customers are contacted; transactional contact knows none."""
    quiet_hours: tuple[QuietHours, ...] = ()
    """Hours in which no audience and no list of actions is written."""
    waits_for_complaints: bool = False
    """A customer whose complaint is open is not contacted, transactional contact excepted."""

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        named = [(default.purpose, default.channel) for default in self.defaults]
        twice = sorted(
            {
                f"{purpose} by {channel or 'all channels'}"
                for purpose, channel in named
                if named.count((purpose, channel)) > 1
            }
        )
        if twice:
            raise ValueError(f"defaults: {', '.join(twice)} is given twice; keep one")
        return self


class CampaignSettings(BaseModel):
    """How campaigns are watched."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    window_days: int = Field(default=28, ge=1)
    """Days after a campaign's last contact in which what its members buy is counted."""


#: a name that may be a file's
FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
#: what of a customer may be written out, beside what a rule may speak of
CONTACT_COLUMNS = (
    "customer_id", "source", "customer_key", "given_name", "family_name", "full_name", "company_name", "email", "phone", "street",
    "postal_code", "city", "region", "country", "language", "value_tier", "engagement_tier", "rfm_group", "value_at_risk",
    "campaign_key",
)  # fmt: skip


class AudienceTable(BaseModel):
    """A table of a database of the company's own."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    connection_env: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """Environment variable with the connection, as a source's database has it. Never the connection itself."""
    table: str = Field(min_length=1)
    """The table, `schema.table` where it needs a schema: made where it is missing, with the columns asked for; rows are added."""


class AudienceSettings(BaseModel):
    """A named audience: whom a campaign is for, and what of them is written out."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    rule: str = Field(min_length=1)
    """Whom it is for: a predicate over the columns of a customer's month, as rule segments have."""
    top: int | None = Field(default=None, ge=1)
    """Of those who may be contacted, only so many, the highest by `top_by`; all where not given."""
    top_by: Literal["value_at_risk", "expected_value", "uplift", "offer_probability"] = "value_at_risk"
    """What the highest are told by; of whom the company has no such figure is none of them."""
    uplift_of: str | None = None
    """With `top_by: uplift`, the campaign whose uplift it is; where not given the last one that tells customers apart."""
    offer: str | None = None
    """With `top_by: offer_probability`, the offer; where not given each customer's likeliest."""
    purpose: Purpose
    """What they are contacted for: without permission for it nobody is written out."""
    channel: Channel
    """The channel that they are contacted by."""
    held_out: float = Field(default=0.2, ge=0, lt=1)
    """Share of them that is drawn by lot and not written out; with none nobody can tell later what the campaign changed."""
    approach: Literal["market", "process", "defensive"] | None = None
    """The campaign's approach."""
    fixed_cost: float | None = Field(default=None, ge=0)
    """What the campaign costs however many it reaches."""
    unit_cost: float | None = Field(default=None, ge=0)
    """What each contact costs."""
    columns: tuple[str, ...] = Field(default=("customer_id",), min_length=1)
    """What is written out of each, exactly this."""
    keys_of: str | None = None
    """The source whose key is written out as `customer_key`; where not given that of the customer's first record."""
    format: Literal["csv", "parquet"] = "csv"
    """The file's, where there is no `database`."""
    database: AudienceTable | None = None
    """A table of the company's own database that is written to, in place of a file."""

    @model_validator(mode="after")
    def _highest_by_what(self) -> Self:
        for name, value, by in (("uplift_of", self.uplift_of, "uplift"), ("offer", self.offer, "offer_probability")):
            if value is not None and (self.top is None or self.top_by != by):
                raise ValueError(f"`{name}` says by what the highest are told: it needs `top`, and `top_by: {by}`")
        return self


class ProgrammeSettings(BaseModel):
    """When a relational activity goes on, is changed or is stopped."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    months: int = Field(default=6, ge=1)
    """Months that a verdict looks back; before so many have passed there is none."""
    continue_from: float = Field(default=0.0, ge=-1)
    """Return on its cost, what it brought less its cost per unit of cost, from which an activity goes on."""
    stop_below: float = Field(default=-0.5, ge=-1)
    """Return below which it is stopped; between the two it is changed."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.stop_below > self.continue_from:
            raise ValueError(f"stop_below, {self.stop_below}, exceeds continue_from, {self.continue_from}")
        return self


class PortfolioSettings(BaseModel):
    """When a customer changes portfolio, and how many hours each takes."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    service_hours: dict[Literal["high", "medium", "low"], float] = Field(default_factory=dict)
    """Hours a year that a customer of a value tier takes at least, whatever contact they had."""
    min_gain_share: float = Field(default=0.1, ge=0)
    """A customer keeps their portfolio unless a move gains at least this share of what is expected of a customer on average."""
    max_moves_share: float = Field(default=0.05, ge=0, le=1)
    """Of the customers who have a portfolio, the share that may change it in a month without having to."""


class OfferSettings(BaseModel):
    """Which offers are proposed to a customer."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    max_per_customer: int = Field(default=5, ge=1, le=50)
    """Offers that a customer is proposed at most."""
    horizon_days: int = Field(default=60, ge=7, le=180)
    """Days ahead within which an offer is likely to be taken up; four times as many of history are needed."""
    purpose: Purpose = RELATIONSHIP
    """The purpose for which a customer must be contactable; `relationship` stands for all but transactional contact."""


class ActionWay(BaseModel):
    """A way in which a manager contacts customers."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    channel: Channel
    minutes: float = Field(gt=0)
    """Minutes that a contact takes."""


class ActionSettings(BaseModel):
    """What is to be done with each customer: by which ways, and what that is assumed to keep."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    purpose: Purpose = RELATIONSHIP
    """What a manager contacts customers for; `relationship` stands for all but transactional contact."""
    ways: tuple[ActionWay, ...] = (ActionWay(channel="phone", minutes=15), ActionWay(channel="email", minutes=5))
    """The ways that managers have, one per channel."""
    recover_keeps: float = Field(default=0.2, ge=0, le=1)
    """Share of what is expected of a customer whose complaint is open that putting it right is assumed to keep."""
    call_keeps: float = Field(default=0.1, ge=0, le=1)
    """Share of the value at risk that a call is assumed to keep."""
    thank_keeps: float = Field(default=0.02, ge=0, le=1)
    """Share of what is expected of an active customer of high value that a word of thanks is assumed to keep."""
    offer_brings: float = Field(default=0.1, ge=0, le=1)
    """Share of what the best offer to a customer is likely to bring that is assumed to come because it was made."""
    thank_after_days: int = Field(default=180, ge=1)
    """Days without a contact of the company's after which thanks are due."""

    @model_validator(mode="after")
    def _ways_differ(self) -> Self:
        channels = [way.channel for way in self.ways]
        if twice := sorted({channel for channel in channels if channels.count(channel) > 1}):
            raise ValueError(f"ways: {', '.join(twice)} is given twice; keep one")
        return self


class TimelineSettings(BaseModel):
    """How a customer's timeline speaks."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    language: Literal["en", "es"] = "en"
    """The language of its sentences: that of the company."""
