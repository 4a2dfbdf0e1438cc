"""Time fit and score on a million customers of one 39-week cohort (daily times), beside `lifetimes`.

    python bench/lifetime.py [customers] [--years]

What belongs here: the measurement. It prints a Markdown table for docs/lifetime.md. `--years` also times three years of
joiners, which stand without a target. `pymc-marketing`'s MAP is measured where it is installed.
"""

import resource
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np

from clientela.lifetime import Histories, fit
from clientela.lifetime.fitting import log_likelihood
from clientela.lifetime.geometric_dropout import BGNBD

TRUTH = {"r": 0.243, "alpha": 4.414 * 7, "a": 0.793, "b": 2.426}


def cohort(n: int, seed: int, joining_days: int, days: int) -> Histories:
    """BG/NBD customers who join evenly over `joining_days` and are seen until day `days`, in whole days."""
    rng = np.random.default_rng(seed)
    T = (days - rng.integers(0, joining_days, n)).astype(np.float64)
    rate = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], n)
    chance = rng.beta(TRUTH["a"], TRUTH["b"], n)
    x, last, at = np.zeros(n), np.zeros(n), np.zeros(n)
    alive = np.arange(n)
    while alive.size:
        at[alive] += rng.exponential(1 / rate[alive])
        alive = alive[np.ceil(at[alive]) <= T[alive]]
        day = np.ceil(at[alive])
        new = day > last[alive]
        x[alive[new]] += 1
        last[alive] = day
        alive = alive[rng.random(alive.size) >= chance[alive]]
    return Histories.of(x, last, T)


def timed(work: Callable[[], object]) -> tuple[object, float]:
    """(result, seconds)."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def ours(h: Histories) -> tuple[float, np.ndarray]:
    found = fit("bg_nbd", h)
    return found.log_likelihood, found.expected_orders(h, 273.0)


def theirs(h: Histories, weighted: bool) -> tuple[float, np.ndarray]:
    from lifetimes import BetaGeoFitter

    warnings.simplefilter("ignore")
    model = BetaGeoFitter()
    if weighted:
        c = h.compressed()
        model.fit(c.rows.x, c.rows.t_x, c.rows.T, weights=c.counts)
        expected = model.conditional_expected_number_of_purchases_up_to_time(273.0, c.rows.x, c.rows.t_x, c.rows.T)
        expected = np.asarray(expected)[c.index]
    else:
        model.fit(h.x, h.t_x, h.T)
        expected = np.asarray(model.conditional_expected_number_of_purchases_up_to_time(273.0, h.x, h.t_x, h.T))
    theta = np.log([model.params_[name] for name in ("r", "alpha", "a", "b")])
    return log_likelihood(BGNBD(), theta, h), expected


def pymc_map(h: Histories) -> tuple[float, np.ndarray]:
    import pandas as pd
    from pymc_marketing.clv import BetaGeoModel

    data = pd.DataFrame({"customer_id": np.arange(len(h)), "frequency": h.x, "recency": h.t_x, "T": h.T})
    model = BetaGeoModel(data=data)
    model.fit(method="map", progressbar=False)
    point = model.idata.posterior
    theta = np.log([float(point[name].mean()) for name in ("r", "alpha", "a", "b")])
    expected = model.expected_purchases(data, future_t=273).mean(("chain", "draw")).to_numpy()
    return log_likelihood(BGNBD(), theta, h), expected


def main() -> None:
    sizes = [a for a in sys.argv[1:] if a.isdigit()]
    n = int(sizes[0]) if sizes else 1_000_000
    worlds = {"one 39-week cohort": cohort(n, 1, 84, 273)}
    if "--years" in sys.argv:
        worlds["three years of joiners"] = cohort(n, 2, 1095, 1095)
    fit("bg_nbd", cohort(2000, 3, 84, 273))  # imports and tables are not what is measured
    print("| world | who | seconds | log-likelihood | forecast total |")
    print("| --- | --- | ---: | ---: | ---: |")
    for name, h in worlds.items():
        runs: dict[str, Callable[[Histories], tuple[float, np.ndarray]]] = {
            "clientela, raw rows": ours,
            "lifetimes, distinct rows as weights": lambda h: theirs(h, True),
            "lifetimes, raw rows": lambda h: theirs(h, False),
        }
        try:
            import pymc_marketing.clv  # noqa: F401

            runs["pymc-marketing MAP"] = pymc_map
        except ImportError:
            pass
        print(f"| {name}: {n:,} rows, {len(h.compressed().rows):,} distinct | | | | |")
        for who, run in runs.items():
            fresh = Histories.of(h.x, h.t_x, h.T)
            (value, expected), seconds = timed(lambda run=run, fresh=fresh: run(fresh))  # type: ignore[misc]
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"| up to {peak:,.0f} MB | {who} | {seconds:.2f} | {value:.3f} | {expected.sum():,.0f} |", flush=True)


if __name__ == "__main__":
    main()
