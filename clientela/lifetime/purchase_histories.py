"""Customers invented from a model, with their truth: what a fit, a forecast or an interval is checked against.

What belongs here: drawing customers' lives event by event, without any formula of the models they test. What does not: an
invented company with dirt (clientela.simulate).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clientela.lifetime.arrays import Floats
from clientela.lifetime.errors import LifetimeError
from clientela.lifetime.histories import Histories


@dataclass(frozen=True)
class World:
    """histories up to T with exact times; alive: whether the customer had not dropped out by T; future_orders: how many
    they made in (T, T + horizon]. All shape (n,)."""

    histories: Histories
    alive: NDArray[np.bool_]
    future_orders: Floats


def simulate_histories(
    model: str,
    parameters: Mapping[str, float],
    customers: int,
    *,
    seed: int,
    ages: tuple[float, float] = (20.0, 60.0),
    horizon: float = 26.0,
    k: int = 2,
) -> World:
    """Draw customers of `model` (a name in fitting.MODELS), aged evenly between `ages` at T.

    Each customer gets their own rate and dropout, and then lives: gaps are exponential (Erlang-k for mbg_cnbd_k); they drop
    out by a coin after orders (bg_nbd: repeat orders; mbg: all), or at an exponential age (pareto_nbd), or never (nbd).
    """
    rng = np.random.default_rng(seed)
    p, n = parameters, customers
    T = rng.uniform(*ages, n)
    end = T + horizon
    rate = rng.gamma(p["r"], 1 / p["alpha"], n)
    death = np.full(n, np.inf)
    chance = np.zeros(n)
    if model == "pareto_nbd":
        death = rng.exponential(1 / rng.gamma(p["s"], 1 / p["beta"], n))
    elif model in {"bg_nbd", "mbg_nbd", "mbg_cnbd_k"}:
        chance = rng.beta(p["a"], p["b"], n)
    elif model != "nbd":
        raise LifetimeError(f"There is no model {model!r} to simulate_histories customers from.")
    phases = k if model == "mbg_cnbd_k" else 1
    if model in {"mbg_nbd", "mbg_cnbd_k"}:
        death[rng.random(n) < chance] = 0.0
    x, t_x, gaps, future, at = (np.zeros(n) for _ in range(5))
    going = np.flatnonzero(death > 0)
    with np.errstate(divide="ignore", over="ignore"):
        while going.size:
            gap = rng.gamma(phases, 1.0, going.size) / rate[going]
            at[going] += gap
            lives = at[going] <= np.minimum(end, death)[going]
            going, gap = going[lives], gap[lives]
            past = at[going] <= T[going]
            seen = going[past]
            x[seen] += 1
            t_x[seen] = at[seen]
            gaps[seen] += np.log(gap[past])
            future[going[~past]] += 1
            leaves = rng.random(going.size) < chance[going]
            death[going[leaves]] = at[going[leaves]]
            going = going[~leaves]
    return World(Histories.of(x, t_x, T, log_gaps=gaps), death > T, future)


def simulate_amounts(
    parameters: Mapping[str, float], orders: Floats, future_orders: Floats, *, seed: int
) -> tuple[Floats, Floats]:
    """(mean amount of each customer's past orders, total of their future ones) under Gamma-Gamma(p, q, gamma)."""
    rng = np.random.default_rng(seed)
    nu = rng.gamma(parameters["q"], 1 / parameters["gamma"], len(orders))
    p = parameters["p"]
    past = np.where(orders > 0, rng.standard_gamma(np.maximum(p * orders, 1e-12)) / nu / np.maximum(orders, 1), 0.0)
    future = np.where(future_orders > 0, rng.standard_gamma(np.maximum(p * future_orders, 1e-12)) / nu, 0.0)
    return past, future
