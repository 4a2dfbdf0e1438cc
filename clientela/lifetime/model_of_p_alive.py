"""Which fitted model P(alive) is taken from: the probability that a customer is one still.

Its formula is in `p_alive`.
"""

from datetime import date

from clientela.lifetime.candidates import Fitted, one_for_all
from clientela.lifetime.day_fits import fit_on, one_rate_on
from clientela.lifetime.errors import NotIdentified
from clientela.lifetime.fitting import Fallback, FitWithHistory
from clientela.lifetime.origins import Orders


def fit_alive(orders: Orders, day: date, customers: int) -> Fitted:
    """The model that P(alive) of so many customers is taken from, where the one of their orders does not see one-time buyers
    die: Pareto/NBD, else MBG/NBD.

    Where neither can be fitted nobody is seen to leave: NBD or one rate, P(alive) 1, with the reasons.
    """
    given_up: list[Fallback] = []
    for name in ("pareto_nbd", "mbg_nbd", "nbd"):
        try:
            return one_for_all(FitWithHistory(fit_on(orders, day, name), given_up), customers)
        except NotIdentified as why:
            given_up.append(Fallback(name, str(why)))
    return one_for_all(FitWithHistory(one_rate_on(orders, day), given_up), customers)
