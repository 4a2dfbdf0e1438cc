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


@dataclass(frozen=True)
class Shrinkage:
    """What the means of all say of any customer's. group_mean: shape (groups,)."""

    group_mean: Floats
    company_mean: float
    sigma2: float
    tau2: float

    def of(self, total: object, weight: object, group: Integers | None = None) -> Shrunken:
        """Customers' means total / weight drawn to those of their groups."""
        y, w, codes = _checked(total, weight, group)
        seen = w > 0
        own = np.where(seen, y / np.where(seen, w, 1.0), 0.0)
        noise = self.sigma2 / np.where(seen, w, 1.0)
        share = np.where(seen, self.tau2 / (self.tau2 + noise + 1e-300), 0.0)
        mean = share * own + (1 - share) * self.group_mean[codes]
        variance = np.where(seen, share * noise, self.tau2)
        return Shrunken(mean, variance, self.group_mean, self.company_mean, self.sigma2, self.tau2)


def _checked(total: object, weight: object, group: Integers | None) -> tuple[Floats, Floats, Integers]:
    y, w = floats(total, "total"), floats(weight, "weight", minimum=0)
    n = same_length(total=y, weight=w)
    codes = np.zeros(n, dtype=np.int64) if group is None else np.asarray(group, dtype=np.int64)
    if codes.shape != y.shape:
        raise LifetimeError("group must hold one code per customer.")
    return y, w, codes


def shrink(total: object, weight: object, within: float, degrees: float, group: Integers | None = None) -> Shrunken:
    """Shrink customers' means total / weight towards their group's, and the groups' towards the company's.

    total: shape (n,), sums; weight: shape (n,), orders or revenue, 0 for a customer without any (they take their group's
    mean). within: the sum over customers of weighted squares around their own means; degrees: its degrees of freedom.
    group: shape (n,), codes from 0; None for one group.
    """
    return learn_shrinkage(total, weight, within, degrees, group).of(total, weight, group)


def learn_shrinkage(
    total: object, weight: object, within: float, degrees: float, group: Integers | None = None
) -> Shrinkage:
    """How far customers' means are to be drawn, and to what; arguments as of `shrink`."""
    y, w, codes = _checked(total, weight, group)
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
    return Shrinkage(belief * raw + (1 - belief) * company, company, sigma2, tau2)


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
    return share_of(k, n, *learn_share(k, n))


def share_of(hits: Floats, of: Floats, share: float, believed: float | None) -> Floats:
    """Customers' shares hits / of, drawn to the company's share, which counts like `believed` orders; None: like all."""
    if believed is None:
        return np.full(len(of), share)
    return np.asarray((hits + believed * share) / (of + believed))


def learn_share(hits: Floats, of: Floats) -> tuple[float, float | None]:
    """(The company's share, and like how many orders of a customer it counts; None where customers do not differ)."""
    total = of.sum()
    if total == 0:
        return 0.0, None
    share = float(hits.sum() / total)
    if share in (0.0, 1.0):
        return share, None
    seen = of > 0
    variance = share * (1 - share)
    around = float((of[seen] * (hits[seen] / of[seen] - share) ** 2).sum())
    scale = float(total - (of[seen] ** 2).sum() / total)
    between = max(0.0, (around - (seen.sum() - 1) * variance) / scale) if scale > 0 else 0.0
    believed = variance / between - 1 if between > 0 else np.inf
    return share, max(float(believed), 0.5) if np.isfinite(believed) else None
