"""How likely a customer is to buy an item within the days ahead: again, by their rhythm, or for the first time, by what those
like them bought next.

Belongs here: what is read from the past as of a day, and the two probabilities. Does not belong here: how good they are
(`offer_scores`), which of them become offers (`offers`).

Both are logistic regressions on what was known on an earlier day, answered by the days after it. The lift of item B after item A
compares those who had A, not yet B, and took B in the days ahead with what their own eagerness for new things, times B's share of
takers, would lead one to expect: without that, whoever buys much seems to be led to everything. Both counts are shrunk by
_LIFT_PRIOR expected takers. There is one lift of whatever they had, and one of what they took for the first time in as many days
before, after which a next step is nearest.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from clientela.relationship.purchase_pairs import Block, Flags, Floats, Ints, PurchasePairs

#: prior weight of the item's own gap beside a customer's, in gaps
_GAP_PRIOR = 2.0
#: prior weight of the mean share of takers beside an item's, in customers
_SHARE_PRIOR = 10.0
_LIFT_PRIOR = 5.0
#: spans before the day that lifts are counted over
_SPANS = 2
#: customers that lifts are counted over, and pairs that regressions are fitted to, at most
_COUNTED_CUSTOMERS = 50_000
_FITTED_PAIRS = 200_000
_RIDGE = 1.0
_ITERATIONS = 50
_FARTHEST = 30.0
#: the features that each variant of a model rests on; which one makes the offers is decided before the days they are judged on
REPEAT_VARIANTS: dict[str, tuple[int, ...]] = {
    "all": tuple(range(11)), "rhythm": (0, 3, 4, 5, 6, 7, 8), "frequency": (0, 1, 2, 7, 8, 9, 10),
}  # fmt: skip
NEW_VARIANTS: dict[str, tuple[int, ...]] = {
    "all": tuple(range(10)), "after_what_they_had": (*range(8), 8), "after_what_they_took_lately": (*range(8), 9),
    "popularity": tuple(range(8)),
}  # fmt: skip
#: of a table of customers by items, the share that is filled above which it is multiplied cell by cell
_DENSE_SHARE = 0.1
_NO_DAY = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Regression:
    """A logistic regression on raw features."""

    intercept: float
    weights: Floats

    def logits(self, features: Floats) -> Floats:
        return self.intercept + features @ self.weights

    def calibrated(self, logits: Floats) -> Floats:
        """Of a regression on logits alone: theirs, calibrated; -inf stays."""
        return self.intercept + max(float(self.weights[0]), 0.01) * logits


def probability(logits: Floats) -> Floats:
    """1 / (1 + exp(-logit)), 0 for what is not asked (-inf)."""
    chance: Floats = 1.0 / (1.0 + np.exp(-np.clip(logits, -_FARTHEST, _FARTHEST)))
    return np.where(np.isneginf(logits), 0.0, chance)


def fit(features: Floats, answers: Flags) -> Regression:
    """Newton's steps on standardised features, with a ridge, each step kept short; the share alone where all answers agree."""
    share = float(np.clip(answers.mean() if len(answers) else 0.0, 1e-6, 1 - 1e-6))
    beta = np.zeros(features.shape[1] + 1)
    beta[0] = np.log(share / (1 - share))
    mean, spread = (features.mean(0), features.std(0)) if len(features) else (0 * beta[1:], 0 * beta[1:])
    spread = np.where(spread < 1e-9, 1.0, spread)
    if 0 < answers.sum() < len(answers):
        design = np.column_stack([np.ones(len(features)), (features - mean) / spread])
        ridge = np.full(len(beta), _RIDGE)
        ridge[0] = 0.0
        for _ in range(_ITERATIONS):
            chance = probability(design @ beta)
            curvature = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(ridge + 1e-9)
            step = np.linalg.solve(curvature, design.T @ (answers - chance) - ridge * beta)
            beta += step / max(1.0, float(np.abs(step).max()))
            if np.abs(step).max() < 1e-8:
                break
    weights = beta[1:] / spread
    return Regression(float(beta[0] - (weights * mean).sum()), weights)


def _fit_variants(variants: dict[str, tuple[int, ...]], features: Floats, answers: Flags) -> dict[str, Regression]:
    """A regression on each variant's columns alone; what it does not rest on weighs nothing."""
    fitted = {}
    for name, columns in variants.items():
        found = fit(features[:, columns], answers)
        weights = np.zeros(features.shape[1])
        weights[list(columns)] = found.weights
        fitted[name] = Regression(found.intercept, weights)
    return fitted


def _logit(share: Floats) -> Floats:
    return np.log(share) - np.log1p(-share)


def _counts(flags: Flags, weights: Floats | None = None) -> "Floats | sparse.csr_array":
    """Flags of customers by items as numbers, times a weight of each customer; as what is not nothing, where that is little."""
    if not flags.size or flags.mean() > _DENSE_SHARE:
        # counts are whole, and exact in single precision
        return flags.astype(np.float32) if weights is None else flags * weights[:, None]
    row, column = np.nonzero(flags)
    values = np.ones(len(row)) if weights is None else weights[row]
    return sparse.csr_array((values, (row, column)), shape=(len(flags), flags.shape[1]))


def _crossed(rows: "Floats | sparse.csr_array", others: "Floats | sparse.csr_array") -> Floats:
    """Item × item: what customers have of one, times what they have of the other, added up."""
    crossed = rows.T @ others
    return crossed.toarray() if sparse.issparse(crossed) else np.asarray(crossed, dtype=np.float64)


@dataclass(frozen=True)
class Repeats:
    """What is known on a day of each pair: which had a purchase by then, and what tells of the next."""

    is_bought: Flags
    count: Ints
    last: Ints
    #: days between purchases, the customer's own and the item's
    gap: Floats
    features: Floats


@dataclass(frozen=True)
class Following:
    """Item A × item B: who could take B after A, how many of them were to be expected to by their own eagerness, how many did."""

    could: Floats
    expected: Floats
    took: Floats

    def __add__(self, other: "Following") -> "Following":
        return Following(self.could + other.could, self.expected + other.expected, self.took + other.took)

    @property
    def lift(self) -> Floats:
        """Its logarithm."""
        return np.log((self.took + _LIFT_PRIOR) / (self.expected + _LIFT_PRIOR))


@dataclass(frozen=True)
class Transitions:
    """What came of the days after a day: item A × item B of those who had A and not yet B, of those who took A lately and had
    not yet B; and each item's share of takers among all who did not have it."""

    of_had: Following
    of_lately: Following
    taken_share: Floats


@dataclass(frozen=True)
class Firsts:
    """What is known on a day of who takes what for the first time."""

    day: int
    #: of each item, in logits: its takers' share, its buyers' share of the last days, of half of them, and of all days
    of_item: Floats
    #: of each customer: purchase days lately, days silent, items taken lately
    of_customer: Floats
    is_known: Flags
    #: first day of what was taken lately
    since: int
    of_had: Following
    of_lately: Following
    #: share of those without an item who took it in the days before the day
    taken_share: Floats

    def table(self, block: Block) -> tuple[Flags, Floats, Floats, Floats]:
        """Of a block: what they had by the day, the mean lift of each item after it and after what they took lately, and how
        many items they had."""
        had, lately = block.first <= self.day, (block.first <= self.day) & (block.first >= self.since)
        lifts = [
            (_counts(rows) @ following.lift) / np.maximum(rows.sum(1), 1)[:, None]
            for rows, following in ((had, self.of_had), (lately, self.of_lately))
        ]
        return had, lifts[0], lifts[1], had.sum(1).astype(np.float64)


class PurchaseModel:
    """The two probabilities over one length of days ahead; what was known on a day is computed once."""

    def __init__(self, history: PurchasePairs, days: int) -> None:
        self.history, self.days = history, days
        self._repeats: dict[int, Repeats] = {}
        self._firsts: dict[int, Firsts] = {}
        self._transitions: dict[int, Transitions] = {}
        self._began = np.full(history.customers, _NO_DAY, dtype=np.int64)
        np.minimum.at(self._began, history.pair_customer, history.first_day)

    def repeats(self, day: int) -> Repeats:
        if day not in self._repeats:
            # one day's at a time: they are as many as the pairs
            self._repeats = {day: self._known_repeats(day)}
        return self._repeats[day]

    def firsts(self, day: int) -> Firsts:
        if day not in self._firsts:
            self._firsts[day] = self._known_firsts(day)
        return self._firsts[day]

    def is_bought_again(self, day: int) -> Flags:
        """Of each pair: a purchase in the days after the day."""
        return self.history.counted((self.history.day > day) & (self.history.day <= day + self.days)) > 0

    def fit_repeats(self, day: int) -> dict[str, Regression]:
        """Of each of REPEAT_VARIANTS, fitted to the purchases of the days after the day."""
        known = self.repeats(day)
        bought = np.flatnonzero(known.is_bought)
        bought = bought[:: max(-(-len(bought) // _FITTED_PAIRS), 1)]
        return _fit_variants(REPEAT_VARIANTS, known.features[bought], self.is_bought_again(day)[bought])

    def fit_firsts(self, day: int) -> dict[str, Regression]:
        """Of each of NEW_VARIANTS, fitted to what customers took for the first time in the days after the day."""
        known = self.firsts(day)
        features, answers = [], []
        for block in self.history.blocks(max(_FITTED_PAIRS // max(self.history.items, 1), 1)):
            had, lift, lift_lately, count = known.table(block)
            row, column = np.nonzero(~had & known.is_known[block.customers][:, None])
            features.append(
                np.column_stack(
                    [
                        known.of_item[column], known.of_customer[block.customers[row]], np.log1p(count[row]),
                        lift[row, column], lift_lately[row, column],
                    ]
                )
            )  # fmt: skip
            answers.append(((block.first > day) & (block.first <= day + self.days))[row, column])
        return _fit_variants(NEW_VARIANTS, np.concatenate(features), np.concatenate(answers))

    def _known_repeats(self, day: int) -> Repeats:
        history, days = self.history, self.days
        when, item, who = history.day, history.pair_item, history.pair_customer
        count = history.counted(when <= day)
        recent = history.counted((when <= day) & (when > day - days))
        of_three = history.counted((when <= day) & (when > day - 3 * days))
        is_bought = count > 0
        last = np.where(is_bought, when[np.minimum(history.start + np.maximum(count, 1) - 1, len(when) - 1)], day)
        span = np.where(is_bought, last - history.first_day, 0)
        gaps = np.maximum(count - 1, 0)
        item_gap = (history.item_sums(item, span) + days) / (history.item_sums(item, gaps) + 1)
        gap = (span + _GAP_PRIOR * item_gap[item]) / (gaps + _GAP_PRIOR)
        was_there = history.first_day <= day - days
        again, there = history.item_sums(item, was_there & (recent > 0)), history.item_sums(item, was_there)
        overall = (again.sum() + 0.5) / (there.sum() + 1)
        rebought = (again + _SHARE_PRIOR * overall) / (there + _SHARE_PRIOR)
        visits, recent_visits, silent = history.visits(day, day - days)
        elapsed = np.maximum(day - last, 0)
        ratio = np.log((elapsed + 1) / np.maximum(gap, 0.5))
        features = np.column_stack(
            [
                np.log1p(count), np.log1p(recent), np.log1p(of_three), np.log(np.maximum(gap, 0.5)), np.log1p(elapsed), ratio,
                ratio**2, np.log1p(recent_visits[who]), np.log1p(silent[who]), _logit(rebought)[item],
                count / np.maximum(visits[who], 1),
            ]
        )  # fmt: skip
        return Repeats(is_bought, count, last, gap, features)

    def _known_firsts(self, day: int) -> Firsts:
        history, days = self.history, self.days
        item, first = history.pair_item, history.first_day
        spans = [self._counted_transitions(day - span * days) for span in range(1, _SPANS + 1)]
        shares = spans[0].taken_share
        customers = history.customers + 1
        buyers = [
            (history.item_sums(item, history.counted((history.day <= day) & (history.day > since)) > 0) + 0.5)
            / customers
            for since in (day - days, day - days // 2)
        ]
        owners = (history.item_sums(item[first <= day]) + 0.5) / customers
        _, recent, silent = history.visits(day, day - days)
        taken = history.customer_sums(history.pair_customer[(first <= day) & (first > day - days)])
        return Firsts(
            day,
            # beside the other items of the day: what all of them share drifts with the length of the history
            np.column_stack([_logit(share) - _logit(share).mean() for share in (shares, *buyers, owners)]),
            np.column_stack([np.log1p(recent), np.log1p(silent), np.log1p(taken)]),
            self._began <= day,
            day - days + 1,
            sum((span.of_had for span in spans[1:]), spans[0].of_had),
            sum((span.of_lately for span in spans[1:]), spans[0].of_lately),
            shares,
        )

    def _counted_transitions(self, day: int) -> Transitions:
        if day not in self._transitions:
            self._transitions[day] = self._transitions_after(day)
        return self._transitions[day]

    def _transitions_after(self, day: int) -> Transitions:
        history, days = self.history, self.days
        item, first = history.pair_item, history.first_day
        is_known = self._began <= day
        takes = (first > day) & (first <= day + days) & is_known[history.pair_customer]
        takers = history.item_sums(item[takes])
        without = is_known.sum() - history.item_sums(item[first <= day])
        overall = (takers.sum() + 0.5) / (without.sum() + 1)
        shares: Floats = (takers + _SHARE_PRIOR * overall) / (without + _SHARE_PRIOR)
        following = [Following(*(np.zeros((history.items, history.items)) for _ in range(3))) for _ in range(2)]
        for block in history.blocks(_COUNTED_CUSTOMERS):
            known = is_known[block.customers]
            had = (block.first <= day)[known]
            lately = had & (block.first > day - days)[known]
            took = ((block.first > day) & (block.first <= day + days))[known]
            all_had, all_took = _counts(had), _counts(took)
            eagerness = (took.sum(1) + 1) / (shares.sum() - all_had @ shares + 1)
            for number, rows in enumerate((had, lately)):
                # whoever lacks an item is all but those who have it
                some, eager = _counts(rows), _counts(rows, eagerness)
                could = rows.sum(0)[:, None] - _crossed(some, all_had)
                expected = (eagerness @ some)[:, None] - _crossed(eager, all_had)
                following[number] += Following(could, expected * shares, _crossed(some, all_took))
        return Transitions(following[0], following[1], shares)


def first_logits(known: Firsts, model: Regression, block: Block) -> Floats:
    """Of a block: the logit of each item for each customer, -inf for what they had and for who is not known on the day."""
    had, lift, lift_lately, count = known.table(block)
    items = known.of_item.shape[1]
    of_item, of_customer = model.weights[:items], model.weights[items:-3]
    logits: Floats = (
        model.intercept
        + (known.of_item @ of_item)[None, :]
        + (known.of_customer[block.customers] @ of_customer + np.log1p(count) * model.weights[-3])[:, None]
        + lift * model.weights[-2]
        + lift_lately * model.weights[-1]
    )
    return np.where(had | ~known.is_known[block.customers][:, None], -np.inf, logits)


def repeat_logits(known: Repeats, model: Regression, block: Block) -> Floats:
    """Of a block: the logit of each item for each customer, -inf for what they never bought."""
    logits = np.where(known.is_bought, model.logits(known.features), -np.inf)
    return block.spread(logits, -np.inf)
