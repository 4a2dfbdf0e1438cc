"""How good offers would have been: on the last days of the past, foretold from the day before them.

Belongs here: hit rate, NDCG (Järvelin & Kekäläinen 2002), calibration, and whether the offers of a kind beat what needs no model.
Does not belong here: the probabilities.

Judged are the customers who did buy something of the kind in those days. Own favourites are what a customer bought on most days,
the latest first among equals; the most popular is what most customers bought in as many days before. A kind beats its baseline
when the mean difference in NDCG is above 0 with 95 per cent confidence, one-sided, over customers.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from clientela.relationship.offer_model import Regression, fit, probability
from clientela.relationship.purchase_pairs import Flags, Floats, Ints

REPEAT, NEW = "repeat", "new"
KINDS = (REPEAT, NEW)
BASELINES = {REPEAT: "own_favourites", NEW: "most_popular"}
#: customers below which nothing is told
MIN_CUSTOMERS = 30
_ONE_SIDED_95 = 1.645
#: items of each customer that probabilities are calibrated on, in numbers of their offers
_CALIBRATED = 4
SCORE_SCHEMA: dict[str, pl.DataType] = {
    "row_type": pl.String(), "kind": pl.String(), "candidate": pl.String(), "tenth": pl.Int64(), "customers": pl.Int64(),
    "hit_rate": pl.Float64(), "ndcg": pl.Float64(), "ndcg_difference": pl.Float64(), "ndcg_difference_low": pl.Float64(),
    "mean_probability": pl.Float64(), "bought_share": pl.Float64(), "is_published": pl.Boolean(), "is_in_use": pl.Boolean(),
    "limitation": pl.String(),
}  # fmt: skip


def best(scores: Floats, count: int) -> Ints:
    """Columns of the highest scores of each row, the highest first, the earlier column among equals."""
    count = min(count, scores.shape[1])
    if count < scores.shape[1]:
        columns = np.sort(np.argpartition(-scores, count - 1, axis=1)[:, :count], axis=1)
    else:
        columns = np.broadcast_to(np.arange(count), scores.shape).astype(np.int64)
    order = np.argsort(-np.take_along_axis(scores, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


@dataclass(frozen=True)
class Ranking:
    """What became of the offers of one candidate: for each customer, whether one was bought, and NDCG."""

    hits: Floats
    ndcg: Floats


def ranking(scores: Floats, answers: Flags, count: int) -> Ranking:
    """Of the rows with an answer that could be offered. scores: -inf for what cannot be."""
    answers = answers & ~np.isneginf(scores)
    relevant = answers.sum(1)
    judged = relevant > 0
    columns = best(scores[judged], count)
    found = np.take_along_axis(answers[judged], columns, axis=1)
    discount: Floats = 1 / np.log2(np.arange(2, columns.shape[1] + 2))
    ideal: Floats = np.cumsum(discount)[np.minimum(relevant[judged], columns.shape[1]) - 1]
    hits, gained = found.max(1).astype(np.float64), found.astype(np.float64) @ discount
    return Ranking(hits, gained / ideal)


class Holdout:
    """What is gathered of one kind, block by block."""

    def __init__(self, kind: str, count: int) -> None:
        self.kind, self.count = kind, count
        self._ours: list[Ranking] = []
        self._baseline: list[Ranking] = []
        self._probability: list[Floats] = []
        self._bought: list[Flags] = []
        self._logits: list[Floats] = []
        self._answers: list[Flags] = []

    def add(self, logits: Floats, baseline: Floats, answers: Flags) -> None:
        """A block of customers by items; all -inf where an item cannot be offered."""
        self._ours.append(ranking(logits, answers, self.count))
        self._baseline.append(ranking(baseline, answers, self.count))
        columns = best(logits, _CALIBRATED * self.count)
        likely = np.take_along_axis(logits, columns, axis=1)
        came = np.take_along_axis(answers, columns, axis=1)
        asked = ~np.isneginf(likely)
        self._logits.append(likely[asked])
        self._answers.append(came[asked])
        offered = asked[:, : self.count]
        self._probability.append(probability(likely[:, : self.count][offered]))
        self._bought.append(came[:, : self.count][offered])

    def calibration(self) -> Regression:
        """Platt's (1999), on the likeliest items of each customer: what their logits should have been."""
        return fit(np.concatenate(self._logits)[:, None], np.concatenate(self._answers))

    def mean_ndcg(self) -> float:
        """Of the offers; 0 where nobody is judged."""
        return _mean(_joined(self._ours).ndcg) or 0.0

    def variant_score(self, variant: str, *, is_in_use: bool) -> pl.DataFrame:
        """How well a variant did on the days that the choice among them was made on."""
        ours = _joined(self._ours)
        row = dict.fromkeys(SCORE_SCHEMA) | {
            "row_type": "variant", "kind": self.kind, "candidate": variant, "customers": len(ours.ndcg),
            "hit_rate": _mean(ours.hits), "ndcg": _mean(ours.ndcg), "is_published": False, "is_in_use": is_in_use,
        }  # fmt: skip
        return pl.DataFrame([row], schema=SCORE_SCHEMA)

    def scores(self) -> pl.DataFrame:
        """A row for each candidate, and one for each tenth of the offers by their probability."""
        ours, baseline = _joined(self._ours), _joined(self._baseline)
        chance, bought = np.concatenate(self._probability), np.concatenate(self._bought)
        customers = len(ours.ndcg)
        difference = ours.ndcg - baseline.ndcg
        low = None
        if customers > 1:
            low = float(difference.mean() - _ONE_SIDED_95 * difference.std(ddof=1) / np.sqrt(customers))
        name = BASELINES[self.kind]
        limitation = None
        if customers < MIN_CUSTOMERS:
            limitation = "too few customers bought anything of the kind"
        elif low is None or low <= 0:
            limitation = f"does not beat {name.replace('_', ' ')}"
        mean = [_mean(difference), low]
        rows: list[tuple[object, ...]] = [
            ("candidate", self.kind, "offers", None, customers, _mean(ours.hits), _mean(ours.ndcg), *mean, _mean(chance),
             _mean(bought), limitation is None, None, limitation),
            ("candidate", self.kind, name, None, customers, _mean(baseline.hits), _mean(baseline.ndcg), None, None, None, None,
             False, None, None),
        ]  # fmt: skip
        order = np.argsort(chance, kind="stable")
        for tenth, part in enumerate(np.array_split(order, 10), start=1):
            if len(part):
                rows.append(
                    ("tenth", self.kind, "offers", tenth, len(part), None, None, None, None, _mean(chance[part]),
                     _mean(bought[part]), limitation is None, None, None)
                )  # fmt: skip
        return pl.DataFrame(rows, schema=SCORE_SCHEMA, orient="row")


def notice(limitation: str, kind: str | None = None) -> pl.DataFrame:
    """A row that says why there is no more."""
    row = dict.fromkeys(SCORE_SCHEMA) | {
        "row_type": "notice", "kind": kind, "is_published": False, "limitation": limitation,
    }  # fmt: skip
    return pl.DataFrame([row], schema=SCORE_SCHEMA)


def _joined(rankings: Iterable[Ranking]) -> Ranking:
    listed = list(rankings)
    return Ranking(np.concatenate([r.hits for r in listed]), np.concatenate([r.ndcg for r in listed]))


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
