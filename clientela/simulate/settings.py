"""What may be chosen about an invented company, with defaults that look like a mid-sized one.

Rates of dirt inside records (typing errors, old addresses) belong to each system's habits in `records`, not here.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

Process = Literal["pareto_nbd", "mbg_nbd", "bg_nbd"]
PROCESSES: tuple[Process, ...] = ("pareto_nbd", "mbg_nbd", "bg_nbd")

#: days after the cut for which the truth says what each customer buys
FUTURE_DAYS = 730
#: largest company whose loyalty customers still go into one Excel sheet by default
EXCEL_LIMIT = 20_000


@dataclass(frozen=True)
class PurchaseParameters:
    """Rates are per week. `r`, `alpha`: purchase rates ~ Gamma; `s`, `beta`: dropout rates of Pareto/NBD ~ Gamma;
    `a`, `b`: dropout probabilities per purchase of BG/NBD and MBG/NBD ~ Beta."""

    r: float = 0.60
    alpha: float = 10.0
    s: float = 0.60
    beta: float = 15.0
    a: float = 0.80
    b: float = 2.40


@dataclass(frozen=True)
class SpendParameters:
    """Gamma-gamma: an order's net amount ~ Gamma(p, nu), nu ~ Gamma(q, gamma); mean p * gamma / (q - 1)."""

    p: float = 6.25
    q: float = 3.74
    gamma: float = 18.0


@dataclass(frozen=True)
class SubscriptionParameters:
    """Shifted beta-geometric: the monthly churn probability of a contract ~ Beta(alpha, beta)."""

    alpha: float = 0.70
    beta: float = 6.0
    #: of the web shop's customers, how many subscribe
    share: float = 0.08


@dataclass(frozen=True)
class SimulateSettings:
    """One invented company. The same settings give the same bytes."""

    #: people who buy; prospects, and sales without a customer, come on top
    customers: int = 2_000
    seed: int = 1
    process: Process = "pareto_nbd"
    purchase: PurchaseParameters = field(default_factory=PurchaseParameters)
    spend: SpendParameters = field(default_factory=SpendParameters)
    subscription: SubscriptionParameters = field(default_factory=SubscriptionParameters)
    #: 0: purchases are even over the year; 1: December has about three times February's
    seasonality: float = 0.0
    #: share of rows of each dirty file that is damaged, spread over the kinds of dirt; 0 for clean files
    dirt: float = 0.002
    #: number of nightly batches that the same rows are delivered in
    nights: int = 1
    #: days that each night but the first covers; None: the whole history in equal parts
    night_days: int | None = None
    #: campaigns with control groups; without them nothing disturbs the purchase process
    campaigns: bool = True
    #: the monthly charge of a subscription is also a line of the web shop's sales, in the channel `subscription`
    bills_subscriptions: bool = True
    #: how the loyalty scheme writes its customers; auto: Excel while the company is small
    loyalty_format: Literal["auto", "csv", "excel"] = "auto"
    #: last day of history
    cut: date = date(2025, 12, 31)
    years: int = 3

    def __post_init__(self) -> None:
        if self.customers < 1:
            raise ValueError(f"customers = {self.customers}: a company needs at least one customer.")
        if self.nights < 1:
            raise ValueError(f"nights = {self.nights}: there is at least one delivery.")
        if not 0 <= self.dirt <= 0.2:
            raise ValueError(f"dirt = {self.dirt}: give a share of rows between 0 and 0.2.")
        if not 0 <= self.seasonality <= 1:
            raise ValueError(f"seasonality = {self.seasonality}: give a strength between 0 and 1.")
        if self.process not in PROCESSES:
            raise ValueError(f"process = {self.process!r}: choose one of {', '.join(PROCESSES)}.")
        if self.years < 1:
            raise ValueError(f"years = {self.years}: a company needs at least one year of history.")
        if self.night_days is None and self.nights > self.days:
            raise ValueError(f"nights = {self.nights}: the history has {self.days} days.")
        if self.night_days is not None and not 0 < self.night_days * self.nights < self.days:
            raise ValueError(f"night_days = {self.night_days}: {self.nights} nights must fit into {self.days} days.")

    @property
    def start(self) -> date:
        """First day of history; time inside the simulation is counted in days from here, in the company's zone."""
        return date(self.cut.year - self.years, self.cut.month, self.cut.day) + timedelta(days=1)

    @property
    def days(self) -> int:
        return (self.cut - self.start).days + 1

    @property
    def writes_excel(self) -> bool:
        if self.loyalty_format == "auto":
            return self.customers <= EXCEL_LIMIT
        return self.loyalty_format == "excel"

    def night_ends(self) -> list[int]:
        """The day count at which each night's batch closes; the last is the cut."""
        if self.night_days is None:
            return [round(self.days * (k + 1) / self.nights) for k in range(self.nights)]
        return [self.days - self.night_days * (self.nights - 1 - k) for k in range(self.nights)]
