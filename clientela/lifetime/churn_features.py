"""The features that churn (P(no order)) is learnt from: what is known of each customer at a day.

How they are weighed is in `churn_probability`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from clientela.lifetime.arrays import Floats
from clientela.lifetime.candidates import Fitted, Learning, forecast_orders, one_for_all
from clientela.lifetime.day_fits import fitted_on
from clientela.lifetime.origins import Orders, Snapshot

#: days of the past, and customers at most, that the features are learnt from
RECENT_DAYS = 91
AT_MOST = 10_000
_SURE = 1e-4
_USUAL_DAYS = 7.0
#: the features by their column
RECENCY, GAPS, MODEL, EXPECTED = range(4)


@dataclass(frozen=True)
class Known:
    """What is known at a day of the customers of a snapshot. fitted: Pareto/NBD or what stands for it; orders_per_day: by
    the regression; shape (n,)."""

    snapshot: Snapshot
    fitted: Fitted
    orders_per_day: Floats

    def columns(self, days: float) -> Floats:
        """What P(no order in so many days) is read from; shape (n, 4)."""
        h = self.snapshot.histories
        since = h.T - h.t_x + 1.0
        gap = h.t_x / np.maximum(h.x, 1.0) + _USUAL_DAYS
        within = self.fitted.each(h, lambda f, part: f.p_order_within(part, days))
        return np.column_stack(
            [
                np.log(since / days),
                np.log(since / gap),
                logit(np.clip(1.0 - within, _SURE, 1.0 - _SURE)),
                np.log(np.maximum(self.orders_per_day * days, _SURE)),
            ]
        )


def known_at(orders: Orders, s: Snapshot) -> Known:
    """What P(no order) is read from at a snapshot."""
    fitted = one_for_all(fitted_on(orders, s.as_of, "pareto_nbd"), len(s))
    learning = Learning(RECENT_DAYS, at_most=AT_MOST)
    return Known(s, fitted, forecast_orders("poisson_regression", orders, s, 1, learning).mean)
