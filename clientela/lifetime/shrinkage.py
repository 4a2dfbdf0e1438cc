"""How far a customer's own mean is to be believed: normal-normal shrinkage, of any sign.

What belongs here: means of customers drawn to the mean of their group, and groups to the company. What does not: what the
means are of (contribution per order with weight = orders, margin rate with weight = revenue).

The normal-normal model (Efron & Morris 1975; the spend model of Schmittlein & Peterson 1994): a customer's mean m_i over
weight w_i has variance sigma2 / w_i around their own true mean, which has variance tau2 around their group's. Variances by
moments (DerSimonian & Laird 1986), so that they exist for any data.
"""

from dataclasses import dataclass

import numpy as np

from clientela.lifetime.arrays import Floats, Integers, floats, same_length
from clientela.lifetime.errors import LifetimeError


@dataclass(frozen=True)
class Shrunken:
    """Customers' means after shrinkage.

    mean, variance: shape (n,), of the customer's true mean given their data; group_mean: shape (groups,); company_mean;
    sigma2, tau2.
    """

    mean: Floats
    variance: Floats
    group_mean: Floats
    company_mean: float
    sigma2: float
    tau2: float


def shrink(total: object, weight: object, within: float, degrees: float, group: Integers | None = None) -> Shrunken:
    """Shrink customers' means total / weight towards their group's, and the groups' towards the company's.

    total: shape (n,), sums; weight: shape (n,), orders or revenue, 0 for a customer without any (they take their group's
    mean). within: the sum over customers of weighted squares around their own means; degrees: its degrees of freedom.
    group: shape (n,), codes from 0; None for one group.
    """
    y, w = floats(total, "total"), floats(weight, "weight", minimum=0)
    n = same_length(total=y, weight=w)
    codes = np.zeros(n, dtype=np.int64) if group is None else np.asarray(group, dtype=np.int64)
    if codes.shape != y.shape:
        raise LifetimeError("group must hold one code per customer.")
    seen = w > 0
    if not seen.any():
        raise LifetimeError("Nobody has an order to learn a mean from.")
    own = np.where(seen, y / np.where(seen, w, 1.0), 0.0)
    sigma2 = max(within / degrees, 0.0) if degrees > 0 else 0.0
    groups = int(codes.max()) + 1
    company = float(y[seen].sum() / w[seen].sum())
    if degrees <= 0:
        # Nobody ordered twice: order noise and customers' differences cannot be told apart; believe half of each.
        sigma2 = float(np.average((own[seen] - company) ** 2, weights=w[seen]) * w[seen].mean()) / 2
    tau2 = _between(own[seen], w[seen], sigma2, codes[seen])
    precision = np.where(seen, 1.0 / (tau2 + sigma2 / np.where(seen, w, 1.0) + 1e-300), 0.0)
    mass = np.asarray(np.bincount(codes, weights=precision, minlength=groups), dtype=np.float64)
    raw = np.bincount(codes, weights=precision * own, minlength=groups) / np.where(mass > 0, mass, 1.0)
    company = float((precision * own).sum() / precision.sum())
    error2 = np.where(mass > 0, 1.0 / np.where(mass > 0, mass, 1.0), np.inf)
    spread = 0.0
    known = mass > 0
    if known.sum() > 1:
        spread = _between(raw[known], mass[known], 1.0, np.zeros(int(known.sum()), dtype=np.int64))
    belief = (
        np.where(known, spread / (spread + np.where(known, error2, 1.0) + 1e-300), 0.0) if groups > 1 else np.ones(1)
    )
    group_mean = belief * raw + (1 - belief) * company
    share = np.where(seen, tau2 / (tau2 + sigma2 / np.where(seen, w, 1.0) + 1e-300), 0.0)
    mean = share * own + (1 - share) * group_mean[codes]
    variance = np.where(seen, share * sigma2 / np.where(seen, w, 1.0), tau2)
    return Shrunken(mean, variance, group_mean, company, sigma2, tau2)


def _between(own: Floats, w: Floats, sigma2: float, codes: Integers) -> float:
    """Variance between means, inside their groups, over what the order noise sigma2 / w explains."""
    groups = int(codes.max()) + 1
    mass = np.bincount(codes, weights=w, minlength=groups)
    safe = np.where(mass > 0, mass, 1.0)
    centre = np.bincount(codes, weights=w * own, minlength=groups) / safe
    around = float((w * (own - centre[codes]) ** 2).sum())
    degrees = len(own) - int((mass > 0).sum())
    scale = float(w.sum() - (np.bincount(codes, weights=w * w, minlength=groups) / safe).sum())
    return max(0.0, (around - degrees * sigma2) / scale) if scale > 0 and degrees > 0 else 0.0


def shrunken_share(hits: object, of: object) -> Floats:
    """Customers' shares hits / of, each shrunk to the company's share (beta-binomial, by moments); shape (n,)."""
    k, n = floats(hits, "hits", minimum=0), floats(of, "of", minimum=0)
    total = n.sum()
    if total == 0:
        return np.zeros(len(n))
    share = float(k.sum() / total)
    if share in (0.0, 1.0):
        return np.full(len(n), share)
    seen = n > 0
    variance = share * (1 - share)
    around = float((n[seen] * (k[seen] / n[seen] - share) ** 2).sum())
    scale = float(total - (n[seen] ** 2).sum() / total)
    between = max(0.0, (around - (seen.sum() - 1) * variance) / scale) if scale > 0 else 0.0
    believed = variance / between - 1 if between > 0 else np.inf  # the company's share counts like so many orders
    if not np.isfinite(believed):
        return np.full(len(n), share)
    believed = max(believed, 0.5)
    return np.asarray((k + believed * share) / (n + believed))
