"""Expected orders of a customer who buys at a gamma rate until a beta-geometric dropout: one integral, two ways.

What belongs here: that integral. What does not: which model asks for it.

Given alive the rate is gamma(A, age) and the dropout probability beta(a, B). With z = t / age the orders expected in t are

    M = E over p of (1 - (1 + p z)^-A) / p.

In closed form (Fader, Hardie & Lee 2005, with the hypergeometric transformed as in Hardie & Fader's note 27) this is
c/e [1 - (1-w)^e 2F1(c - A, e; c; w)], c = a+B-1, e = a-1, w = z/(1+z); the first argument no longer grows with x. It is a
hole at a = 1, so the series is written with e divided out: 2F1 = 1 + e S. Where that series is slow or cancels, the
integral over p is taken directly at double-exponential nodes; every term there is positive.
"""

import numpy as np
from scipy.special import betaincinv

from clientela.lifetime.arrays import Floats, Integers

_MOST_TERMS = 900


def orders_until_dropout(A: Floats, age: Floats, a: Floats, B: Floats, t: Floats) -> Floats:
    """M above, shape (n,); all arguments broadcast to it. Times in one unit, t >= 0, age > 0."""
    A, age, a, B, t = (np.asarray(v, dtype=np.float64) for v in np.broadcast_arrays(A, age, a, B, t))
    w = t / (age + t)
    first = a + B - 1 - A
    # A first argument far below 0 makes terms that cancel; a sum a + B beyond 1e5 leaves too few digits to the difference.
    s = (w < 0.96) & (first > -20) & (a < 200) & (a + B < 1e5 + A)
    out = np.full(len(w), np.nan)
    if s.any():
        out[s] = _series(first[s], a[s] - 1, a[s] + B[s], w[s])
    s = np.isnan(out)
    if s.any():
        out[s] = _integral(A[s], t[s] / age[s], a[s], B[s])
    return np.asarray(np.maximum(out, 0.0))


def _series(first: Floats, e: Floats, c1: Floats, w: Floats) -> Floats:
    """c/e [1 - (1-w)^e 2F1(first, e; c; w)] with c = c1 - 1; terms: (first)_n (1+e)_(n-1) w^n / ((c1)_(n-1) n!).

    NaN where the terms have not become small in time.
    """
    ln = np.log1p(-w)
    small = np.abs(e) < 1e-7
    head = np.where(small, -ln * (1 + e * ln / 2), -np.expm1(e * ln) / np.where(small, 1.0, e))
    total = np.zeros_like(w)
    rows: Integers = np.arange(len(w), dtype=np.int64)
    f, e_, c_, w_ = first, e, c1, w
    term = f * w_
    part = term.copy()
    for n in range(1, _MOST_TERMS):
        term = term * ((f + n) * (e_ + n)) * w_ / ((c_ + (n - 1)) * (n + 1))
        part += term
        if n % 8 == 0:
            # The tail is at most geometric with ratio w.
            done = np.abs(term) <= 1e-14 * (1 - w_) * np.maximum(np.abs(part), 1e-3)
            if done.mean() > 0.3:
                total[rows[done]] = part[done]
                on = ~done
                rows = rows[on]
                f, e_, c_, w_, term, part = (v[on] for v in (f, e_, c_, w_, term, part))
            if not rows.size:
                break
    total[rows] = np.where(np.abs(term) <= 1e-13 * (1 - w_) * np.maximum(np.abs(part), 1e-3), part, np.nan)
    return np.asarray((c1 - 1) * head - np.exp(e * ln) * total)


def _nodes() -> tuple[Floats, Floats, Floats]:
    """Double-exponential (tanh-sinh) nodes u on (0, 1), 1 - u to full precision, and weights."""
    x = np.arange(-64, 65) * 0.05
    g = np.pi / 2 * np.sinh(x)
    weight = 0.05 * np.pi / 2 * np.cosh(x) / (2 * np.cosh(g) ** 2)
    return 1 / (1 + np.exp(-2 * g)), 1 / (1 + np.exp(2 * g)), weight


def _integral(A: Floats, z: Floats, a: Floats, B: Floats) -> Floats:
    """M by quantiles of p: the integral over u of g(p(u)), with g(p) = (1 - (1 + p z)^-A) / p, A z at p = 0."""
    out = np.zeros(len(A))
    for u, v, weight in zip(*_nodes(), strict=True):
        p = betaincinv(a, B, u) if u < 0.5 else 1 - betaincinv(B, a, v)
        # Where a and B are tiny all mass lies at the two ends, and the quantile function gives up.
        p = np.where(np.isnan(p), np.where(u < B / (a + B), 0.0, 1.0), p)
        p = np.clip(p, 1e-200, 1.0)
        out += weight * -np.expm1(-A * np.log1p(p * z)) / p
    return out
