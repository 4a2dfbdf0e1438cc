"""P(alive): the probability that a customer is one still, by the odds that they have dropped out unseen.

Each purchase model gives the odds of its own, `log_odds_dead`, in its module. Which fitted model the published P(alive) is
taken from is in `model_of_p_alive`; when it is left out, in `p_alive_unseen`.
"""

import numpy as np

from clientela.lifetime.arrays import Floats


def p_alive(log_odds_dead: Floats) -> Floats:
    """1 / (1 + odds of having dropped out); shape (n,)."""
    return np.asarray(1.0 / (1.0 + np.exp(np.minimum(log_odds_dead, 700.0))))
