"""Micro-segments: customers who behave alike, found by k-means, with names that last from fit to fit.

Belongs here: scaling, fitting, the number of clusters, matching of names, stability, nearest customers. Does not belong
here: which behaviour is described (the caller's columns), portraits of clusters (SQL).

Behaviour is put on one scale by sign(x) ln(1 + |x|), then by mean and standard deviation; a missing value is the mean.
The number of clusters is the one of greatest mean silhouette (Rousseeuw 1987) on a fixed sample, the smaller of
equals. At a refit the customers of that month-end are divided by the previous fit and by the new one, and names pass
over along the Hungarian assignment of greatest common share (Jaccard); a cluster without a predecessor takes the next
unused number. Stability is the adjusted Rand index (Hubert & Arabie 1985) between the fit and fits on resampled
customers: 1 always alike, 0 chance.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from clientela.retention.calendar import month_end
from clientela.segment.settings import ClusterSettings, SegmentError

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


class TooAlikeError(SegmentError):
    """The customers do not differ enough to be divided."""


@dataclass(frozen=True)
class ClusterModel:
    """A fit, all of plain values, so that it can be kept as JSON (`asdict`) and read back (`ClusterModel(**values)`).

    names[i] is the lasting number of cluster i, whose centre is centres[i], one value per feature on the scaled axes;
    next_name the first number never used. stability: mean and least adjusted Rand index over the bootstraps.
    """

    features: tuple[str, ...]
    fitted_on: date
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    centres: tuple[tuple[float, ...], ...]
    names: tuple[int, ...]
    next_name: int
    customers: int
    silhouette: float
    stability: float
    least_stability: float

    def scaled(self, rows: pl.DataFrame) -> Floats:
        """(rows, features) on the scaled axes."""
        logged = _logged(rows, self.features)
        return np.asarray(np.nan_to_num((logged - np.array(self.means)) / np.array(self.deviations), nan=0.0))

    def assign(self, rows: pl.DataFrame) -> pl.Series:
        """The name of the nearest centre, per row."""
        nearest = _nearest(self.scaled(rows), np.array(self.centres))
        return pl.Series("cluster", np.array(self.names, dtype=np.int64)[nearest])

    def as_values(self) -> dict[str, Any]:
        return asdict(self)


def fit_clusters(
    rows: pl.DataFrame,
    features: Sequence[str],
    fitted_on: date,
    previous: ClusterModel | None = None,
    settings: ClusterSettings | None = None,
) -> ClusterModel:
    """Cluster the customers of one month-end; names follow `previous`.

    rows: customer_id, one row each, and numeric `features`; their order makes no difference.
    """
    s = settings or ClusterSettings()
    if not features:
        raise SegmentError("Clusters need at least one feature.")
    if rows["customer_id"].is_duplicated().any():
        raise SegmentError("A customer stands more than once among those to be clustered.")
    rows = rows.sort("customer_id")
    scaled, means, deviations = _scaled(rows, tuple(features))
    rng = np.random.default_rng(s.seed)
    chosen = scaled
    if len(scaled) > s.fitting_rows:
        chosen = scaled[np.sort(rng.choice(len(scaled), s.fitting_rows, replace=False))]
    if len(np.unique(chosen, axis=0)) <= s.most_clusters:
        raise TooAlikeError(f"At {fitted_on} too few customers differ to be clustered.")
    import sklearn.cluster  # noqa: F401 - loaded before its threads are limited

    # so few rows are clustered sooner by one thread than by several that wait for each other
    with threadpool_limits(limits=1):
        centres, silhouette = _best(chosen, s, rng)
        agreement = _bootstrap(chosen, centres, s, rng)
    model = ClusterModel(
        features=tuple(features),
        fitted_on=fitted_on,
        means=tuple(map(float, means)),
        deviations=tuple(map(float, deviations)),
        centres=tuple(tuple(map(float, centre)) for centre in centres),
        names=tuple(range(1, len(centres) + 1)),
        next_name=len(centres) + 1,
        customers=len(rows),
        silhouette=silhouette,
        stability=float(np.mean(agreement)),
        least_stability=float(np.min(agreement)),
    )
    return model if previous is None else _named_after(model, previous, rows, s.least_overlap)


def match_names(before: Labels, now: Labels, least_overlap: float, next_name: int) -> dict[int, int]:
    """New label -> lasting name, from the same customers' old names and new labels.

    The Hungarian assignment (Kuhn 1955) of greatest total Jaccard overlap; pairs under `least_overlap` are not taken,
    and labels left over get next_name and on, in rising order.
    """
    from scipy.optimize import linear_sum_assignment

    old, old_at = np.unique(before, return_inverse=True)
    new, new_at = np.unique(now, return_inverse=True)
    common = np.zeros((len(new), len(old)))
    np.add.at(common, (new_at, old_at), 1)
    union = common.sum(axis=1)[:, None] + common.sum(axis=0)[None, :] - common
    overlap = common / union
    names: dict[int, int] = {}
    for i, j in zip(*linear_sum_assignment(-overlap), strict=True):
        if overlap[i, j] >= least_overlap and overlap[i, j] > 0:
            names[int(new[i])] = int(old[j])
    for label in new:
        if int(label) not in names:
            names[int(label)] = next_name
            next_name += 1
    return names


def clusters_over_time(
    rows: pl.DataFrame,
    features: Sequence[str],
    settings: ClusterSettings | None = None,
    known: Sequence[ClusterModel] = (),
) -> tuple[pl.DataFrame, list[ClusterModel]]:
    """The cluster of every customer at every month-end, and the fits in order of time.

    rows: customer_id, month_end and `features` as known then. Fits are made at fixed month-ends (those of months
    divisible by `refit_months`, from `begin_on`, with at least `least_customers`, not all alike) and hold until the next
    one; before the first there are no clusters. A fit given in `known` for one of those month-ends is taken instead of
    made again. So the clusters at a month-end follow from the month-ends up to it. Gives customer_id, month_end, cluster,
    fitted_on; sorted.
    """
    s = settings or ClusterSettings()
    kept = {model.fitted_on: model for model in known}
    parts = {key[0]: part for key, part in rows.partition_by("month_end", as_dict=True).items()}
    models: list[ClusterModel] = []
    for day in sorted(parts):
        if is_fitted_at(day, len(parts[day]), s):
            with suppress(TooAlikeError):
                previous = models[-1] if models else None
                models.append(kept.get(day) or fit_clusters(parts[day], features, day, previous, s))
    return assigned(rows, models), models


def assigned(rows: pl.DataFrame, models: Sequence[ClusterModel]) -> pl.DataFrame:
    """The cluster of these customers at each month-end by the last fit made until then: customer_id, month_end, cluster,
    fitted_on; sorted, none before the first fit. rows: customer_id, month_end and the fits' features."""
    schema: Any = {
        "customer_id": rows.schema["customer_id"],
        "month_end": pl.Date,
        "cluster": pl.Int64,
        "fitted_on": pl.Date,
    }
    labels = [pl.DataFrame(schema=schema)]
    for (day,), part in rows.partition_by("month_end", as_dict=True).items():
        if model := next((model for model in reversed(models) if model.fitted_on <= day), None):
            named = part.select("customer_id", "month_end").with_columns(model.assign(part))
            labels.append(named.with_columns(fitted_on=pl.lit(model.fitted_on)))
    return pl.concat(labels).sort("customer_id", "month_end")


def is_fitted_at(day: date, customers: int, s: ClusterSettings) -> bool:
    """Whether a fit of so many customers is made at this day."""
    is_due = day == month_end(day) and day.month % s.refit_months == 0 and (s.begin_on is None or day >= s.begin_on)
    return is_due and customers >= s.least_customers


def nearest_customers(rows: pl.DataFrame, features: Sequence[str], of: int, n: int = 10) -> pl.DataFrame:
    """The n customers whose behaviour is nearest to that of one: rank (1 nearest), customer_id, distance (Euclidean on
    the axes on which these rows would be clustered), and the features; equals by rising customer_id.

    rows: customer_id, one row each, and numeric `features`.
    """
    rows = rows.sort("customer_id")
    scaled = _scaled(rows, tuple(features))[0]
    place = rows["customer_id"].search_sorted(of)
    if place == len(rows) or rows["customer_id"][place] != of:
        raise SegmentError(f"There is no customer {of} among those whose behaviour is known.")
    distance = np.sqrt(((scaled - scaled[place]) ** 2).sum(axis=1)).round(9)
    near = np.lexsort((rows["customer_id"].to_numpy(), distance))
    near = near[near != place][:n]
    found: pl.DataFrame = rows[near].select(
        pl.int_range(1, pl.len() + 1).alias("rank"),
        "customer_id",
        pl.Series("distance", distance[near]),
        *features,
    )
    return found


def _named_after(model: ClusterModel, previous: ClusterModel, rows: pl.DataFrame, least_overlap: float) -> ClusterModel:
    if previous.features != model.features:
        gone = set(previous.features) ^ set(model.features)
        raise SegmentError(f"The previous clusters were of other features ({', '.join(sorted(gone))}).")
    names = match_names(
        previous.assign(rows).to_numpy(), model.assign(rows).to_numpy(), least_overlap, previous.next_name
    )
    following = max(previous.next_name, *(name + 1 for name in names.values()))
    lasting = []
    for label in model.names:  # a centre that is nobody's nearest outside the fitting sample still needs a name
        if label not in names:
            names[label], following = following, following + 1
        lasting.append(names[label])
    return replace(model, names=tuple(lasting), next_name=following)


def _logged(rows: pl.DataFrame, features: tuple[str, ...]) -> Floats:
    if missing := [f for f in features if f not in rows.columns]:
        raise SegmentError(f"The rows lack the feature {', '.join(missing)}.")
    x = rows.select(pl.col(features).cast(pl.Float64)).to_numpy()
    x = np.where(np.isfinite(x), x, np.nan)
    return np.asarray(np.sign(x) * np.log1p(np.abs(x)))


def _scaled(rows: pl.DataFrame, features: tuple[str, ...]) -> tuple[Floats, Floats, Floats]:
    """(rows, features) on one scale, and the mean and standard deviation that made it."""
    logged = _logged(rows, features)
    for feature, values in zip(features, logged.T, strict=True):
        if np.isnan(values).all():
            raise SegmentError(f"The feature {feature} has no value for anybody.")
    means, deviations = np.nanmean(logged, axis=0), np.nanstd(logged, axis=0)
    deviations[deviations < 1e-9] = 1.0
    return np.asarray(np.nan_to_num((logged - means) / deviations, nan=0.0)), means, deviations


def _nearest(points: Floats, centres: Floats) -> Labels:
    """Index of the nearest centre per point; the first of equals."""
    squares = (centres**2).sum(axis=1)[None, :] - 2.0 * points @ centres.T
    return np.asarray(squares.argmin(axis=1), dtype=np.int64)


def _kmeans(points: Floats, k: int, seed: int, starts: int = 4) -> Floats:
    """Centres, in rising order of their first axes, so that equal fits number them alike."""
    from sklearn.cluster import KMeans

    centres = KMeans(n_clusters=k, n_init=starts, random_state=seed).fit(points).cluster_centers_
    return np.asarray(centres[np.lexsort(centres.T[::-1])])


def _best(points: Floats, s: ClusterSettings, rng: np.random.Generator) -> tuple[Floats, float]:
    from sklearn.metrics import silhouette_score

    sample = points
    if len(points) > s.silhouette_rows:
        sample = points[np.sort(rng.choice(len(points), s.silhouette_rows, replace=False))]
    best: tuple[Floats, float] | None = None
    for k in range(s.least_clusters, s.most_clusters + 1):
        centres = _kmeans(points, k, s.seed)
        labels = _nearest(sample, centres)
        if len(np.unique(labels)) < 2:
            continue
        score = float(silhouette_score(sample, labels))
        if best is None or score > best[1] + 1e-9:
            best = centres, score
    if best is None:
        raise TooAlikeError("The customers sampled do not fall into two clusters or more.")
    return best


def _bootstrap(points: Floats, centres: Floats, s: ClusterSettings, rng: np.random.Generator) -> list[float]:
    """Adjusted Rand index of each resampled fit with the fit, over all points."""
    from sklearn.metrics import adjusted_rand_score

    labels = _nearest(points, centres)
    out = []
    for b in range(s.bootstraps):
        again = _kmeans(points[rng.integers(0, len(points), len(points))], len(centres), s.seed + 1 + b, starts=2)
        out.append(float(adjusted_rand_score(labels, _nearest(points, again))))
    return out
