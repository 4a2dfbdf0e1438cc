"""What a company may choose about its forecasts: the section `value` of clientela.yml.

Only the settings stand here; `clientela.config` holds them, `clientela.warehouse.run_settings` carries them to the models.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

OrderModel = Literal[
    "own_rate",
    "last_period",
    "mean_of_two",
    "nbd",
    "bg_nbd",
    "mbg_nbd",
    "pareto_nbd",
    "poisson_regression",
    "mbg_cnbd_k",
]


class ValueSettings(BaseModel):
    """How far ahead customers are valued, at what discount, by which models, and back to which month."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    horizon_months: int = Field(24, ge=1, le=120, description="Months ahead that the expected value covers.")
    annual_discount_rate: float = Field(
        0.10, gt=-1, le=10, description="What money a year later loses: 0.10 is ten per cent a year."
    )
    order_model: OrderModel | None = Field(
        None, description="The model of orders, whatever the company's own past says; default: its past chooses."
    )
    spend_model: Literal["gamma_gamma", "normal"] | None = Field(
        None, description="The model of what an order brings; default: the company's own past chooses."
    )
    month_ends: int = Field(
        12, ge=0, le=120, description="Month-ends before the as-of day at which every customer is forecast too."
    )
    holdout_days: int = Field(91, ge=28, le=366, description="Days over which candidates are scored at each month-end.")
    origins: int = Field(6, ge=1, le=24, description="Month-ends at which the candidates are compared, the last ones.")
    most_customers_fitted: int = Field(
        20_000,
        ge=1000,
        description="Models are compared and fitted on a sample of so many customers; all are forecast.",
    )
    draws: int = Field(400, ge=100, le=5000, description="Draws that intervals of contracts are read from.")
    seed: int = Field(0, ge=0, description="Seed of the draws; the same seed gives the same intervals.")
    tolerance: float = Field(
        0.0,
        ge=0,
        description="Difference per month between the ledger and the raw sums that does not stop publication.",
    )
    scored_horizons_months: list[int] = Field(
        [3, 12, 24], min_length=1, max_length=6, description="Months after which frozen predictions are scored."
    )

    refit_share: float = Field(
        0.02,
        ge=0,
        le=1,
        description="What was learnt at a closed month-end stands until more than this share of the orders, customers, "
        "contracts or money up to it has changed: 0.02 is two per cent.",
    )
    freeze: Literal["run", "month"] = Field(
        "run", description="When predictions are frozen: by every run, or by the first run of each month."
    )

    @field_validator("scored_horizons_months")
    @classmethod
    def _ascending(cls, months: list[int]) -> list[int]:
        if months != sorted(set(months)) or months[0] < 1:
            raise ValueError("give months in ascending order, from 1 on")
        return months
