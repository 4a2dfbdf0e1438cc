"""Which fitted model P(alive) is taken from: the probability that a customer is one still.

Its formula is `purchase_model.PurchaseModel.p_alive`, from each model's own odds of having left.
"""

import numpy as np

from clientela.lifetime.candidates import Fitted
from clientela.lifetime.errors import NotIdentified
from clientela.lifetime.fitting import Fallback, FitWithHistory, fit, one_rate
from clientela.lifetime.origins import Snapshot


def fit_alive(s: Snapshot, chosen: Fitted | None, sample: Snapshot | None = None) -> Fitted:
    """The model P(alive) is taken from: the chosen one if it can see one-time buyers die, else Pareto/NBD, then MBG/NBD.

    Where neither can be fitted nobody is seen to leave: NBD or one rate, P(alive) 1, with the reasons. sample: as in
    fit_snapshot.
    """
    learnt = (sample or s).histories
    if chosen is not None and all(p.fit.model.knows_death_of_one_time_buyers for p in chosen.parts.values()):
        return chosen
    given_up: list[Fallback] = []
    for name in ("pareto_nbd", "mbg_nbd", "nbd"):
        try:
            one = fit(name, learnt)
            return Fitted({-1: FitWithHistory(one, given_up)}, np.full(len(s), -1), {-1: np.arange(len(s))})
        except NotIdentified as why:
            given_up.append(Fallback(name, str(why)))
    last = FitWithHistory(one_rate(learnt.compressed()), given_up)
    return Fitted({-1: last}, np.full(len(s), -1), {-1: np.arange(len(s))})
