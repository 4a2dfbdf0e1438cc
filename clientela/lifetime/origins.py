"""Customers as they stood at a past day, and what they did after it.

What belongs here: from dated orders to the arrays the models read (histories, spend, features) and the truth of a holdout;
the days of a rolling-origin backtest. What does not: models, scores. Columns in, columns out, in one pass of polars.

Orders: one row per customer and purchase day with `customer_id`, `ordered_on` (date), and optionally `net_revenue`,
`contribution` (null where the margin is not known), `category` (the customer's, to shrink margins to) and `segment`. Rows of
the same customer and day are added up. An as-of day is included: its orders are known. Times are in days.

Rows with `is_order` false are no purchases but money that follows one: a return on a later day, what serving the customer
cost. On any day their money counts with the customer's last order before, as far as they lie before that day; what precedes
the first order is left out.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clientela.lifetime.arrays import Floats, Integers
from clientela.lifetime.contribution import SpendHistory
from clientela.lifetime.day_fits import KeptFits, Values
from clientela.lifetime.errors import LifetimeError
from clientela.lifetime.histories import Compressed, Histories
from clientela.lifetime.season import season_index, season_over

LEFT_TRUNCATED_DAYS = 56
_DAYS_HELD = 4
# customers stand in no order here, so that the first of them are a sample
_PLACE = pl.col("customer_id").hash(seed=0)


@dataclass(frozen=True)
class Snapshot:
    """Customers known at `as_of`, ordered by id; arrays of shape (n,).

    recent_orders: in the last `recent_days`. engagement: share of 28-day periods since the first order with an order.
    actual_orders, actual_value: in the `holdout_days` after as_of, None without holdout.
    """

    as_of: date
    customers: pl.Series
    histories: Histories
    spend: SpendHistory | None
    recent_orders: Floats
    recent_days: int
    engagement: Floats
    revenue: Floats
    first_on: pl.Series
    segment: pl.Series | None
    actual_orders: Floats | None = None
    actual_value: Floats | None = None

    def __len__(self) -> int:
        return len(self.histories)


@dataclass(frozen=True)
class Orders:
    """Orders made ready once for any number of snapshots: one row per customer and day, sorted, with gaps.

    kept: what was learnt at each day; most_fitted: models are fitted to a sample of so many of the customers known at a day.
    """

    frame: pl.DataFrame
    first_day: date
    last_day: date
    has_money: bool
    has_category: bool
    has_segment: bool
    has_more_than_orders: bool = False
    kept: KeptFits = field(default_factory=KeptFits, repr=False, compare=False)
    most_fitted: int | None = None
    _learnt_from: dict[date, Compressed] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, orders: pl.DataFrame, kept: KeptFits | None = None, most_fitted: int | None = None) -> "Orders":
        """Check the frame and make it ready. Raises LifetimeError naming the column that is missing or unusable."""
        for name in ("customer_id", "ordered_on"):
            if name not in orders.columns:
                raise LifetimeError(f"The orders have no column {name}.")
            if orders.get_column(name).null_count():
                raise LifetimeError(f"{orders.get_column(name).null_count()} orders have no {name}.")
        if orders.schema["ordered_on"] != pl.Date:
            raise LifetimeError(f"ordered_on must be a date, it is {orders.schema['ordered_on']}.")
        if orders.height == 0:
            raise LifetimeError("There is no order to learn from.")
        has_money = {"net_revenue", "contribution"} <= set(orders.columns)
        if has_money:
            money = orders.select(pl.col("net_revenue").cast(pl.Float64), pl.col("contribution").cast(pl.Float64))
            if (
                not money.select(
                    pl.col("net_revenue").is_finite().all() & pl.col("contribution").is_finite().fill_null(True).all()
                ).item()
                or money.get_column("net_revenue").null_count()
            ):
                raise LifetimeError("net_revenue must be a finite number in every order, contribution finite or null.")
        labels = [c for c in ("category", "segment") if c in orders.columns]
        sums = [pl.col("net_revenue").cast(pl.Float64).sum()] if has_money else []
        if has_money:
            # The margin of a day is known only if it is known of all its orders.
            contribution = pl.col("contribution").cast(pl.Float64)
            sums.append(pl.when(contribution.null_count() == 0).then(contribution.sum()).alias("contribution"))
        keep = ["customer_id", "ordered_on", *labels]
        if has_money:
            keep += ["net_revenue", "contribution"]
        has_more = "is_order" in orders.columns and not orders.get_column("is_order").all()
        if has_more:
            keep.append("is_order")
        frame = orders.select(keep)
        more = frame.clear()
        if has_more:
            more = frame.filter(~pl.col("is_order"))
            frame = frame.filter("is_order")
            if frame.height == 0:
                raise LifetimeError("There is no order to learn from.")
        if frame.select(pl.struct("customer_id", "ordered_on").is_duplicated().any()).item():
            held = [*labels, "is_order"] if has_more else labels
            frame = frame.group_by("customer_id", "ordered_on").agg(*sums, *[pl.col(c).first() for c in held])
        elif has_money:
            frame = frame.with_columns(pl.col("net_revenue", "contribution").cast(pl.Float64))
        day = pl.col("ordered_on").to_physical().cast(pl.Int64).alias("day")
        frame = frame.sort("customer_id", "ordered_on").with_columns(day)
        gap = pl.col("day") - pl.col("day").shift(1)
        same = pl.col("customer_id") == pl.col("customer_id").shift(1)
        frame = frame.with_columns(log_gap=pl.when(same).then(gap.cast(pl.Float64).log()).otherwise(0.0).fill_null(0.0))
        first, last = frame.select(pl.col("ordered_on").min(), pl.col("ordered_on").max().alias("last")).row(0)
        if has_more and has_money:
            more = more.with_columns(pl.col("net_revenue", "contribution").cast(pl.Float64), day, log_gap=pl.lit(0.0))
            frame = pl.concat([frame, more.select(frame.columns)]).sort(
                "customer_id", "day", "is_order", descending=[False, False, True]
            )
            turn = pl.col("is_order").cast(pl.Int64).cum_sum().over("customer_id")
            frame = frame.with_columns(turn=turn).filter(pl.col("turn") > 0)
        return cls(
            frame,
            first,
            last,
            has_money,
            "category" in labels,
            "segment" in labels,
            has_more and has_money,
            KeptFits() if kept is None else kept,
            most_fitted,
        )

    def with_recent(self, s: Snapshot, days: int) -> Snapshot:
        """The snapshot with recent orders counted over so many days."""
        if s.recent_days == days:
            return s
        today = (s.as_of - date(1970, 1, 1)).days
        near = self.order_days.filter((pl.col("day") <= today) & (pl.col("day") > today - days))
        counts = near.group_by("customer_id").agg(pl.len().alias("recent"))
        recent = s.customers.to_frame().join(counts, on="customer_id", how="left", maintain_order="left")
        return replace(
            s,
            recent_orders=recent.get_column("recent").fill_null(0).cast(pl.Float64).to_numpy().copy(),
            recent_days=days,
        )

    @property
    def order_days(self) -> pl.DataFrame:
        """One row per customer and day with an order."""
        return self.frame.filter("is_order") if self.has_more_than_orders else self.frame

    @cached_property
    def customers(self) -> pl.Series:
        """Every customer, in order."""
        return self.frame.get_column("customer_id").unique().sort()

    @cached_property
    def order_numbers(self) -> Floats:
        """The day of each order, as a number."""
        return self.order_days.get_column("day").to_numpy().astype(np.float64)

    def codes(self, customers: pl.Series) -> Integers:
        """One code per customer, the same on every day."""
        return self.customers.search_sorted(customers).to_numpy().astype(np.int64)

    def season(self, as_of: date, horizon_days: int) -> float:
        """The mean season index over the horizon after as_of, learnt from orders up to as_of; 1 below two full years."""
        index = self.kept.take(as_of, "season", lambda: self._season_of(as_of))["index"]
        return season_over(None if index is None else np.array(index), as_of, horizon_days)

    def _season_of(self, as_of: date) -> Values:
        known = self.order_numbers[self.order_numbers <= (as_of - date(1970, 1, 1)).days]
        index = season_index(known, self.first_day, as_of)
        return {"index": None if index is None else [float(month) for month in index]}

    def learnt_from(self, as_of: date) -> Compressed:
        """The histories that models are fitted to: of the customers known on a day, at most so many, each distinct one once."""
        if as_of not in self._learnt_from:
            today = (as_of - date(1970, 1, 1)).days
            day = pl.col("day")
            frame = self._sampled(today, self.most_fitted).filter(day <= today)
            frame = frame.filter("is_order") if self.has_more_than_orders else frame
            # in the order of customers, so that sums do not depend on how they are found
            table = frame.group_by("customer_id").agg(
                day.min().alias("first"), day.max().alias("last"), pl.len().alias("orders"), pl.col("log_gap").sum()
            )
            table = table.sort("customer_id")
            first, last, orders, gaps = (
                table.get_column(name).cast(pl.Float64).to_numpy() for name in ("first", "last", "orders", "log_gap")
            )
            while len(self._learnt_from) >= _DAYS_HELD:
                self._learnt_from.pop(next(iter(self._learnt_from)))
            self._learnt_from[as_of] = Histories.of(orders - 1, last - first, today - first, log_gaps=gaps).compressed()
        return self._learnt_from[as_of]

    @cached_property
    def _arrivals(self) -> tuple[Integers, NDArray[np.uint64]]:
        """The first day of each customer, and the number by which a sample takes them or not."""
        found = self.frame.group_by("customer_id").agg(pl.col("day").min()).with_columns(_PLACE.alias("place"))
        return found.get_column("day").to_numpy(), found.get_column("place").to_numpy()

    def _sampled(self, today: int, at_most: int | None) -> pl.DataFrame:
        """The orders of at most so many of the customers known on a day; who is drawn depends on them alone."""
        if at_most is None:
            return self.frame
        first, place = self._arrivals
        known = place[first <= today]
        if len(known) <= at_most:
            return self.frame
        return self.frame.filter(int(np.partition(known, at_most - 1)[at_most - 1]) >= _PLACE)

    def _known_on(self, today: int, frame: pl.DataFrame) -> pl.DataFrame:
        """The orders up to a day, with the money that followed each by then."""
        known = frame.filter(pl.col("day") <= today)
        if not self.has_more_than_orders:
            return known
        alone = pl.len().over("customer_id", "turn") == 1
        mixed = known.filter(~alone)
        of_the_order = [c for c in known.columns if c not in ("customer_id", "turn", "net_revenue", "contribution")]
        contribution = pl.when(pl.col("contribution").null_count() == 0).then(pl.col("contribution").sum())
        added = mixed.group_by("customer_id", "turn", maintain_order=True).agg(
            *[pl.col(c).first() for c in of_the_order],
            pl.col("net_revenue").sum(),
            contribution.alias("contribution"),
        )
        return pl.concat([known.filter(alone), added.select(known.columns)]).sort("customer_id", "day")

    def at(
        self,
        as_of: date,
        *,
        holdout_days: int | None = None,
        recent_days: int = 91,
        at_most: int | None = None,
    ) -> Snapshot:
        """The customers known on `as_of`, and with `holdout_days` what they did in the days after it.

        at_most: of more customers than that take a sample of so many; it moves little as customers come.
        """
        if as_of < self.first_day:
            raise LifetimeError(f"The as-of day {as_of} lies before the first order ({self.first_day}).")
        today = (as_of - date(1970, 1, 1)).days
        day = pl.col("day")
        columns = [
            day.min().alias("first"),
            day.max().alias("last"),
            pl.len().alias("orders"),
            pl.col("log_gap").sum(),
            (day > today - recent_days).sum().alias("recent"),
            ((today - day) // 28).n_unique().alias("active"),
            pl.col("ordered_on").min().alias("first_on"),
        ]
        if self.has_money:
            z, c = pl.col("net_revenue"), pl.col("contribution")
            paid, known = z > 0, pl.col("contribution").is_not_null()
            columns += [
                z.sum().alias("revenue"),
                paid.sum().alias("paid"),
                z.filter(paid).sum().alias("paid_revenue"),
                (paid & known).sum().alias("margin_orders"),
                z.filter(paid & known).sum().alias("margin_revenue"),
                c.filter(paid).sum().alias("margin_contribution"),
                (c * c / z).filter(paid).sum().alias("margin_squares"),
                (~paid & known).sum().alias("unpaid"),
                c.filter(~paid).sum().alias("unpaid_contribution"),
                (c * c).filter(~paid).sum().alias("unpaid_squares"),
                known.sum().alias("known"),
                c.sum().alias("known_contribution"),
                (c * c).sum().alias("contribution_squares"),
            ]
        columns += [
            pl.col(n).last() for n, has in (("category", self.has_category), ("segment", self.has_segment)) if has
        ]
        frame = self._sampled(today, at_most)
        table = self._known_on(today, frame).group_by("customer_id").agg(columns).sort("customer_id")

        def floats_of(name: str) -> Floats:
            return table.get_column(name).cast(pl.Float64).to_numpy().copy()

        first, last = floats_of("first"), floats_of("last")
        T = today - first
        histories = Histories.of(floats_of("orders") - 1, last - first, T, log_gaps=floats_of("log_gap"))
        spend = None
        if self.has_money:
            names = ["paid", "paid_revenue", "margin_orders", "margin_revenue", "margin_contribution"]
            names += ["margin_squares", "unpaid", "unpaid_contribution", "unpaid_squares", "known"]
            spend = SpendHistory(
                orders=floats_of("orders"),
                **{n: floats_of(n) for n in names},
                contribution=floats_of("known_contribution"),
                contribution_squares=floats_of("contribution_squares"),
                category=_codes(table.get_column("category")) if self.has_category else None,
            )
        actual_orders = actual_value = None
        if holdout_days is not None:
            after = [pl.col("is_order").sum().alias("n") if self.has_more_than_orders else pl.len().alias("n")]
            if self.has_money:
                after.append(pl.col("contribution").sum().alias("c"))
            holdout = frame.filter((day > today) & (day <= today + holdout_days)).group_by("customer_id").agg(after)
            joined = table.select("customer_id").join(holdout, on="customer_id", how="left", maintain_order="left")
            actual_orders = joined.get_column("n").fill_null(0).cast(pl.Float64).to_numpy().copy()
            if self.has_money:
                actual_value = joined.get_column("c").fill_null(0.0).to_numpy().copy()
        return Snapshot(
            as_of,
            table.get_column("customer_id"),
            histories,
            spend,
            floats_of("recent"),
            recent_days,
            floats_of("active") / np.maximum(np.floor(T / 28) + 1, 1),
            floats_of("revenue") if self.has_money else np.zeros(len(T)),
            table.get_column("first_on"),
            table.get_column("segment") if self.has_segment else None,
            actual_orders,
            actual_value,
        )


def summarise_purchase_days(customers: object, days: object, as_of: float) -> tuple[Integers, Histories]:
    """(customer ids in order, their histories) from event arrays: customer and day (a number) of each order.

    Orders after `as_of` are not seen; orders of one customer on one day count once. Unit: that of `days`.
    """
    frame = pl.DataFrame({"c": np.asarray(customers), "d": np.asarray(days, dtype=np.float64)})
    frame = frame.filter(pl.col("d") <= as_of)
    if frame.height == 0:
        raise LifetimeError("There is no order up to the as-of day.")
    table = (
        frame.unique()
        .group_by("c")
        .agg(pl.col("d").min().alias("first"), pl.col("d").max().alias("last"), pl.len().alias("n"))
        .sort("c")
    )
    first, last = table.get_column("first").to_numpy(), table.get_column("last").to_numpy()
    x = table.get_column("n").to_numpy().astype(np.float64) - 1
    return table.get_column("c").to_numpy(), Histories.of(x, last - first, as_of - first)


def rolling_origins(
    first_day: date, as_of: date, *, holdout_days: int, most: int = 6, least_days: int = 91
) -> list[date]:
    """Month ends, oldest first, that leave `holdout_days` up to as_of after them and `least_days` of data before."""
    out: list[date] = []
    latest = as_of - timedelta(days=holdout_days)
    # the last day of the month before the one that holds latest + 1: month ends themselves stay
    end = (latest + timedelta(days=1)).replace(day=1) - timedelta(days=1)
    while len(out) < most and (end - first_day).days >= least_days:
        out.append(end)
        end = end.replace(day=1) - timedelta(days=1)
    return out[::-1]


def spaced_origins(first_day: date, as_of: date, *, holdout_days: int, most: int, least_days: int) -> list[date]:
    """As rolling_origins, three months apart, or two or one where only so at least four (or `most`) fit into the past."""
    every = rolling_origins(first_day, as_of, holdout_days=holdout_days, most=3 * most, least_days=least_days)
    for months in (3, 2, 1):
        found = every[::-1][::months][:most][::-1]
        if len(found) >= min(4, most):
            break
    return found


def _codes(labels: pl.Series) -> Integers:
    return labels.rank("dense").fill_null(0).cast(pl.Int64).to_numpy().copy()
