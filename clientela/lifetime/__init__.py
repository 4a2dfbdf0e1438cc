"""What each customer is worth, as a library: arrays (or polars frames) in, arrays (or frames) out.

What belongs in this package: purchase, contract and spend models, baselines, intervals, scores, and their orchestration as pure
functions. What does not: configuration, files, the warehouse, any printing. Nothing here imports the rest of clientela.

Most callers need three names: `backtest` and `forecast` over a frame of orders, and `LifetimeError`. The models themselves
stand in their modules: fitting (purchase), contracts, gamma_gamma and contribution (spend), prediction_intervals, scoring.
"""

from clientela.lifetime.backtest import Backtest, BacktestSettings, backtest
from clientela.lifetime.candidates import ORDER_CANDIDATES, Learning
from clientela.lifetime.contracts import ContractFit, fit_contracts, fit_contracts_chosen
from clientela.lifetime.contribution import ContributionFit, SpendHistory, fit_contribution
from clientela.lifetime.discounting import force_of_interest
from clientela.lifetime.errors import LifetimeError, NotIdentified
from clientela.lifetime.fitting import PurchaseFit, fit, fit_by_segment, fit_or_simpler
from clientela.lifetime.forecast import Forecast, ForecastSettings, forecast
from clientela.lifetime.gamma_gamma import GammaGammaFit, fit_gamma_gamma
from clientela.lifetime.histories import Histories
from clientela.lifetime.origins import Orders, rolling_origins, summarise_purchase_days
from clientela.lifetime.scoring import choose, score

__all__ = [
    "ORDER_CANDIDATES",
    "Backtest",
    "BacktestSettings",
    "ContractFit",
    "ContributionFit",
    "Forecast",
    "ForecastSettings",
    "GammaGammaFit",
    "Histories",
    "Learning",
    "LifetimeError",
    "NotIdentified",
    "Orders",
    "PurchaseFit",
    "SpendHistory",
    "backtest",
    "choose",
    "fit",
    "fit_by_segment",
    "fit_contracts",
    "fit_contracts_chosen",
    "fit_contribution",
    "fit_gamma_gamma",
    "fit_or_simpler",
    "force_of_interest",
    "forecast",
    "rolling_origins",
    "score",
    "summarise_purchase_days",
]
