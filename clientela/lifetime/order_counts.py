"""How many orders a customer places within a horizon: the one distribution that a row of figures states.

What belongs here: none with P(no order), else some; quantiles, PIT and moments of that. What does not: the expected orders, the
P(no order) that is published (churn_probability.py), dispersion and groups (prediction_intervals.py).

No order comes with P(no order). If one comes, the number is negative binomial with its zeros left out (Mullahy 1986), of the
mean that makes the expected orders of all what they are: P50 is 1 or more exactly where P(no order) is below one half. Where
nothing else is known, P(no order) is the negative binomial's own, and so is the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincc, nbdtrik

from clientela.lifetime.arrays import Floats, Integers

_LEAST = 1e-9
_SURE = 1e-12  # a level is reached if so little is missing
_ROWS, _MOST_STEPS, _LARGE = 20_000, 2_000, 500.0


@dataclass(frozen=True)
class OrderCounts:
    """Of n customers; all shape (n,). mean: expected orders; none: P(no order); base, phi: mean and dispersion of the negative
    binomial whose zeros are left out."""

    mean: Floats
    none: Floats
    base: Floats
    phi: Floats

    @classmethod
    def of(cls, mean: Floats, phi: Floats, none: Floats | None = None) -> "OrderCounts":
        """From expected orders and dispersion; none: P(no order) where it is known otherwise. Where it leaves less than one
        order to whoever orders, it stands, and they have one."""
        mean = np.maximum(mean, _LEAST)
        if none is None:
            return cls(mean, np.exp(_log_none(mean, phi)), mean, phi)
        given_one = np.maximum(mean / np.maximum(1 - none, _SURE), 1 + _LEAST)
        return cls(mean, none, _base(given_one, phi), phi)

    @property
    def given_one(self) -> Floats:
        """Orders expected of whoever orders at all."""
        return np.asarray(self.base / self._some)

    @property
    def variance(self) -> Floats:
        """Of the number of orders."""
        squares = (self.base + (1 + self.phi) * self.base**2) / self._some
        return np.asarray(np.maximum((1 - self.none) * squares - self.mean**2, 0.0))

    @property
    def _some(self) -> Floats:
        """What the zeros that are left out leave."""
        return np.asarray(-np.expm1(_log_none(self.base, self.phi)))

    def reached(self, count: Floats) -> Floats:
        """P(no more than so many orders); 0 below 0."""
        size = 1 / self.phi
        above = betaincc(size, np.maximum(count, 0.0) + 1, size / (size + self.base)) / self._some
        return np.where(
            count < 0, 0.0, self.none + (1 - self.none) * np.where(count < 1, 0.0, 1 - np.minimum(above, 1))
        )

    def pit(self, actual: Floats, rng: np.random.Generator) -> Floats:
        """Randomised PIT of what came."""
        below = self.reached(actual - 1)
        return np.asarray(below + rng.random(len(actual)) * (self.reached(actual) - below))

    def quantiles(self, levels: Sequence[float]) -> Floats:
        """(levels, n), whole numbers; levels ascending. 0 exactly where P(no order) is no less than the level."""
        wanted = np.array(levels)[:, None]
        found = np.zeros((len(levels), len(self.mean)))
        ordering = np.flatnonzero(self.none < levels[-1])
        # customers of like numbers together: who orders seldom needs few steps
        ordering = ordering[np.argsort(self.base[ordering], kind="stable")]
        for part in np.array_split(ordering, len(ordering) // _ROWS + 1):
            none = self.none[part]
            inner = np.where(none < wanted, (wanted - none) / np.maximum(1 - none, _SURE), -1.0)
            found[:, part] = _quantiles_given_one(inner, self.base[part], self.phi[part])
        return found


def _log_none(mean: Floats, phi: Floats) -> Floats:
    """ln P(0) of a negative binomial."""
    return np.asarray(-np.log1p(phi * mean) / phi)


def _base(given_one: Floats, phi: Floats) -> Floats:
    """The mean of the negative binomial that has this mean, above 1, once its zeros are left out.

    Newton's steps for base = given_one (1 - P(0)), which is convex in it: from above they never pass the root.
    """
    base = np.minimum(given_one, 2 * (given_one - 1))
    for start in range(0, len(base), _ROWS):
        b, mu, f = (values[start : start + _ROWS] for values in (base, given_one, phi))
        for _ in range(60):
            less = np.expm1(_log_none(b, f))
            step = (b + mu * less) / (1 - mu * (1 + less) / (1 + f * b))
            step[~np.isfinite(step)] = 0.0
            b -= step
            np.maximum(b, _SURE, out=b)
            if (np.abs(step) <= 1e-9 * b).all():
                break
    return base


def _quantiles_given_one(inner: Floats, base: Floats, phi: Floats) -> Floats:
    """The least numbers from 1 on that reach the levels `inner` of those who order, both shape (levels, n); 0 where a level is
    below 0."""
    found = np.where(inner < 0, 0.0, 1.0)
    log_none = _log_none(base, phi)
    some = -np.expm1(log_none)
    looked: Integers = np.flatnonzero(base <= _LARGE)
    b, f = base[looked], phi[looked]
    step, wanted, passed = b / (1 + f * b), inner[:, looked] - _SURE, found[:, looked]
    reached = chance = np.exp(log_none[looked]) * step / some[looked]
    for k in range(1, _MOST_STEPS):
        missing = reached < wanted
        going = missing.any(axis=0)
        still = np.count_nonzero(going)
        if not still:
            break
        passed += missing
        chance = chance * (1 + f * k) * step / (k + 1)
        reached = reached + chance
        if still < 0.7 * len(looked):
            found[:, looked] = passed
            looked = looked[going]
            f, step, chance, reached = (of[going] for of in (f, step, chance, reached))
            wanted, passed = wanted[:, going], passed[:, going]
    found[:, looked] = passed
    far = np.concatenate([looked[(reached < wanted).any(axis=0)], np.flatnonzero(base > _LARGE)])
    if len(far):
        size = 1 / phi[far]
        level = np.clip(1 - (1 - inner[:, far]) * some[far], 0.0, 1 - _SURE)
        read = np.maximum(np.ceil(nbdtrik(level, size, size / (size + base[far])) - 1e-9), 1.0)
        found[:, far] = np.where(inner[:, far] < 0, 0.0, np.where(np.isfinite(read), read, 1.0))
    return found
