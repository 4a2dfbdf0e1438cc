"""Which offers each customer is likely to take up as of a day, and why: what they buy again, and what is new to them.

Belongs here: items and offers, who may not be offered what, the choice of the best, reasons, on frames. Does not belong here: the
probabilities (`offer_model`) and their scores (`offer_scores`); permissions, the channel and what a contact costs, which the mart
adds; what an offer changes, which only a campaign with customers held out can tell.

Three days matter, a horizon apart: what is known on the first is fitted to the days after it, judged and calibrated on those
after the second, and foretells those after the third, the as-of day. Which variant of the model that is was chosen one horizon
earlier, by a fit of its own: the days that the offers are judged on had no part in any choice.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
import pyarrow as pa

from clientela.relationship.offer_model import (
    Firsts,
    PurchaseModel,
    Regression,
    Repeats,
    first_logits,
    probability,
    repeat_logits,
)
from clientela.relationship.offer_scores import KINDS, NEW, REPEAT, SCORE_SCHEMA, Holdout, best, notice
from clientela.relationship.programmes import eligible_customers
from clientela.relationship.purchase_pairs import Block, Flags, Floats, Ints, PurchasePairs, purchase_pairs
from clientela.relationship.settings import OfferSettings
from clientela.segment.columns import RULE_COLUMNS

#: days of purchases that are read
HISTORY_DAYS = 730
#: items that are considered, those with most customers
MOST_ITEMS = 500
_CATEGORY, _PRODUCT = "category", "product"
#: prior weight of the item's own amounts beside a customer's, in purchase days
_AMOUNT_PRIOR = 3.0
#: those who had an item before its share of followers is told
_MIN_SUPPORT = 20
#: customers that the scores are counted over, at most
_SCORED_CUSTOMERS = 50_000
#: customers that the choice among variants is made by, at most
_CHOOSING_CUSTOMERS = 10_000
#: the variant where there is too little history to choose
_UNCHOSEN = "all"

OFFER_SCHEMA: dict[str, pl.DataType] = {
    "customer_id": pl.Int64(), "offer": pl.String(), "item": pl.String(), "item_level": pl.String(),
    "offered_channel": pl.String(), "probability": pl.Float64(), "contribution_if_taken": pl.Float64(),
    "reason_kind": pl.String(), "purchase_days": pl.Int64(), "last_bought_on": pl.Date(), "gap_days": pl.Int64(),
    "due_on": pl.Date(), "item_before": pl.String(), "followers_share": pl.Float64(), "valid_until": pl.Date(),
}  # fmt: skip
PROPOSED_SCHEMA = SCORE_SCHEMA | {"origin_on": pl.Date(), "horizon_days": pl.Int64()} | OFFER_SCHEMA


@dataclass(frozen=True)
class OfferInputs:
    """What offers are made of.

    purchases: customer_id, category, product_id, product_key and product_name (null unless the product is an item of its own),
    ordered_on, is_return, net_amount, contribution. offers: the reference table. contracts: customer_id, category, product_id,
    started_on, over_on (the first day on which it does not run). customers: customer_id, measured_on and RULE_COLUMNS as of the
    day, for rules.
    """

    purchases: pl.DataFrame
    offers: pl.DataFrame
    contracts: pl.DataFrame
    customers: pa.Table


def propose_offers(as_of_on: date, inputs: OfferInputs, settings: OfferSettings) -> pl.DataFrame:
    """Rows of PROPOSED_SCHEMA: `offer`, the best of each kind and channel for each customer; `candidate` and `tenth`, how good
    such offers were in the last days of the past; `notice`, what stands in the way."""
    purchases = inputs.purchases.filter(
        pl.col("ordered_on") <= as_of_on, pl.col("ordered_on") > as_of_on - timedelta(days=HISTORY_DAYS)
    )
    items, bought = _items(purchases, inputs.offers)
    if items.is_empty():
        return _complete([notice("no order line names a product")])
    since = as_of_on - timedelta(days=HISTORY_DAYS - 1)
    last_day = HISTORY_DAYS - 1
    days = settings.horizon_days
    sold = bought.filter(~pl.col("is_return"))
    if sold.filter(pl.col("ordered_on") <= as_of_on - timedelta(days=4 * days)).is_empty():
        return _complete([notice("too little history: four horizons are needed")])
    people = sold["customer_id"].unique().sort()
    who = pl.DataFrame({"customer_id": people}).with_row_index("customer")
    numbered = sold.join(who, on="customer_id").with_columns(day=(pl.col("ordered_on") - since).dt.total_days())
    history = purchase_pairs(numbered, len(people), items.height)
    held = _held(inputs.contracts, items, who)
    offers, refused = _offers(inputs, items, as_of_on)
    frames = [notice(sentence) for sentence in refused]
    if not offers.rows.height:
        return _complete([*frames, notice("no offer is open")])
    model = PurchaseModel(history, days)
    variants = dict.fromkeys(KINDS, _UNCHOSEN)
    if not sold.filter(pl.col("ordered_on") <= as_of_on - timedelta(days=5 * days)).is_empty():
        running = _running(held, as_of_on - timedelta(2 * days))
        variants, tried = _chosen(model, last_day - 2 * days, settings.max_per_customer, running)
        frames.append(tried.with_columns(origin_on=pl.lit(as_of_on - timedelta(days=2 * days), pl.Date)))
    fits = _fits(model, last_day - 2 * days)
    fitted = {kind: fits[kind][variants[kind]] for kind in KINDS}
    running = _running(held, as_of_on - timedelta(days))
    holdouts = _judged(model, fitted, last_day - days, settings.max_per_customer, running, _SCORED_CUSTOMERS)
    scores = pl.concat([holdouts[kind].scores() for kind in KINDS])
    frames.append(
        scores.with_columns(
            origin_on=pl.lit(as_of_on - timedelta(days=days), pl.Date), horizon_days=pl.lit(days, pl.Int64)
        )
    )
    published = set(scores.filter(pl.col("is_published"), pl.col("row_type") == "candidate")["kind"].to_list())
    if published:
        blocked = pl.concat([_returned(bought, who), _running(held, as_of_on)]).unique()
        choice = _Choice(model, last_day, offers, blocked, who, items, since, settings)
        frames += [
            choice.proposed(kind, fitted[kind], holdouts[kind].calibration()) for kind in KINDS if kind in published
        ]
    return _complete(frames)


def _complete(frames: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema=PROPOSED_SCHEMA), *frames], how="diagonal_relaxed").cast(
        pl.Schema(PROPOSED_SCHEMA)
    )


def _items(purchases: pl.DataFrame, offers: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What can be offered: `number`, item_level, item, product_id, product_key; and the purchases, each with the number of its
    item. Categories, or products where no category is known, and the products that an offer names."""
    has_categories = purchases["category"].is_not_null().any()
    offered = offers["product_key"].drop_nulls().unique()
    bought = ["customer_id", "ordered_on", "is_return", "net_amount", "contribution"]
    products = purchases.filter(pl.col("product_id").is_not_null())
    if has_categories:
        products = products.filter(pl.col("product_key").is_in(offered.implode()))
    by_product = products.select(
        *bought, "product_id", "product_key", item_level=pl.lit(_PRODUCT),
        item=pl.coalesce("product_name", "product_key"), category=pl.lit(None, pl.String),
    )  # fmt: skip
    by_category = purchases.filter(pl.col("category").is_not_null()).select(
        *bought, product_id=pl.lit(None, pl.Int64), product_key=pl.lit(None, pl.String), item_level=pl.lit(_CATEGORY),
        item="category", category="category",
    )  # fmt: skip
    key = ["item_level", "item", "product_id"]
    both = pl.concat([by_category, by_product], how="vertical_relaxed")
    items = (
        both.filter(~pl.col("is_return"))
        .group_by(*key, "product_key")
        .agg(buyers=pl.col("customer_id").n_unique())
        .with_columns(is_offered=pl.col("product_key").is_in(offered.implode()).fill_null(False))
        .sort("is_offered", "buyers", *key, descending=[True, True, False, False, False], nulls_last=True)
        .head(MOST_ITEMS)
        .sort(*key, nulls_last=True)
        .with_row_index("number")
        .with_columns(
            # products of one name are told apart by their key
            item=pl.when(pl.len().over("item_level", "item") > 1)
            .then(pl.format("{} ({})", "item", "product_key"))
            .otherwise("item"),
            name="item",
        )
    )
    numbered = both.join(
        items.select("item_level", "product_id", "number", item="name"), on=key, nulls_equal=True
    ).select(*bought, item=pl.col("number").cast(pl.Int64))
    return items, numbered


def _held(contracts: pl.DataFrame, items: pl.DataFrame, who: pl.DataFrame) -> pl.DataFrame:
    """customer, item, started_on, over_on: what a contract brings, which nobody is offered while it runs."""
    by_category = contracts.join(
        items.filter(pl.col("item_level") == _CATEGORY).select("number", category="item"), on="category"
    )
    by_product = contracts.join(items.select("number", "product_id").drop_nulls(), on="product_id")
    columns = ["customer_id", "number", "started_on", "over_on"]
    return (
        pl.concat([by_category.select(columns), by_product.select(columns)], how="vertical_relaxed")
        .join(who, on="customer_id")
        .select(pl.col("customer").cast(pl.Int64), pl.col("number").cast(pl.Int64), "started_on", "over_on")
    )


def _running(held: pl.DataFrame, day: date) -> pl.DataFrame:
    is_running = (pl.col("started_on") <= day) & (pl.col("over_on").is_null() | (pl.col("over_on") > day))
    return held.filter(is_running).select("customer", "number")


def _returned(bought: pl.DataFrame, who: pl.DataFrame) -> pl.DataFrame:
    """customer, number: what came back and was not bought since."""
    back = (
        bought.filter(pl.col("is_return"))
        .group_by("customer_id", number="item")
        .agg(returned_on=pl.col("ordered_on").max())
    )
    sold = bought.filter(~pl.col("is_return")).rename({"item": "number"})
    last = back.join(
        sold.join(back, on=["customer_id", "number"], how="semi")
        .group_by("customer_id", "number")
        .agg(bought_on=pl.col("ordered_on").max()),
        on=["customer_id", "number"],
        how="left",
    )
    came_back = pl.col("bought_on").is_null() | (pl.col("returned_on") >= pl.col("bought_on"))
    return last.filter(came_back).join(who, on="customer_id").select(pl.col("customer").cast(pl.Int64), "number")


@dataclass(frozen=True)
class _Offers:
    """The offers that are open, a column of tables each."""

    #: offer, item (its number), channel, unit_cost, margin_rate, valid_until
    rows: pl.DataFrame
    #: offer number → customer_id of whom its rule lets
    eligible: dict[int, pl.Series]


def _offers(inputs: OfferInputs, items: pl.DataFrame, day: date) -> tuple[_Offers, list[str]]:
    """What is open on the day, and what cannot be: an offer for each item where no row of the table names one."""
    columns = ["offer", "channel", "unit_cost", "margin_rate", "rule", "valid_until"]
    named = inputs.offers.filter(pl.col("product_key").is_not_null() | pl.col("category").is_not_null())
    refused: list[str] = []
    if named.is_empty():
        rows = items.select(
            offer="item", channel=pl.lit(None, pl.String), unit_cost=pl.lit(0.0), margin_rate=pl.lit(None, pl.Float64),
            rule=pl.lit(None, pl.String), valid_until=pl.lit(None, pl.Date), number="number",
        )  # fmt: skip
    else:
        reversed_ = named.filter(pl.col("valid_until") < pl.col("valid_from"))
        refused += [
            f"offers.csv: {offer} ends on {until}, before it begins on {since}; exchange or correct its dates"
            for offer, until, since in reversed_.select("offer", "valid_until", "valid_from").iter_rows()
        ]
        is_open = (pl.col("valid_from").is_null() | (pl.col("valid_from") <= day)) & (
            pl.col("valid_until").is_null() | (pl.col("valid_until") >= day)
        )
        opened = named.filter(is_open).sort("offer")
        by_product = opened.join(items.select("number", "product_key").drop_nulls(), on="product_key")
        by_category = opened.filter(pl.col("product_key").is_null()).join(
            items.filter(pl.col("item_level") == _CATEGORY).select("number", category="item"), on="category"
        )
        rows = pl.concat(
            [by_product.select(*columns, "number"), by_category.select(*columns, "number")], how="vertical_relaxed"
        )
        unsold = opened.filter(~pl.col("offer").is_in(rows["offer"].implode())).sort("offer")
        refused += [
            f"offers.csv: nobody bought in {HISTORY_DAYS} days what {offer} is for, the "
            f"{f'product {product}' if product else f'category {category}'}; see that it is the source's own word"
            for offer, product, category in unsold.select("offer", "product_key", "category").iter_rows()
        ]
    rules = {row["offer"]: row["rule"] for row in rows.to_dicts() if row["rule"]}
    ruled = eligible_customers(inputs.customers.select(["customer_id", "measured_on", *RULE_COLUMNS]), rules)
    errors = ruled.filter(pl.col("customer_id").is_null())
    refused += errors["refused_because"].to_list()
    rows = rows.filter(~pl.col("offer").is_in(errors["programme"].implode())).sort("offer", "number")
    eligible = {
        number: ruled.filter(pl.col("programme") == offer)["customer_id"].drop_nulls()
        for number, offer in enumerate(rows["offer"].to_list())
        if offer in rules
    }
    return _Offers(rows.rename({"number": "item"}), eligible), sorted(refused)


def _blocked(pairs: pl.DataFrame, block: Block, items: int, customers: int) -> Flags:
    """The pairs of customer and number as a table of the block."""
    place = np.full(customers, -1, dtype=np.int64)
    place[block.customers] = np.arange(len(block.customers))
    rows, columns = place[pairs["customer"].to_numpy()], pairs["number"].to_numpy()
    table = np.zeros((len(block.customers), items), dtype=np.bool_)
    table[rows[rows >= 0], columns[rows >= 0]] = True
    return table


def _fits(model: PurchaseModel, day: int) -> dict[str, dict[str, Regression]]:
    return {REPEAT: model.fit_repeats(day), NEW: model.fit_firsts(day)}


def _chosen(model: PurchaseModel, day: int, count: int, running: pl.DataFrame) -> tuple[dict[str, str], pl.DataFrame]:
    """The variant of each kind that ranks best on the days after the day, fitted to those before it; and how well each did."""
    fits = _fits(model, day - model.days)
    judged: dict[str, dict[str, Holdout]] = {kind: {} for kind in KINDS}
    for number in range(max(len(variants) for variants in fits.values())):
        names = {kind: list(fits[kind])[min(number, len(fits[kind]) - 1)] for kind in KINDS}
        fitted = {kind: fits[kind][name] for kind, name in names.items()}
        for kind, holdout in _judged(model, fitted, day, count, running, _CHOOSING_CUSTOMERS).items():
            judged[kind][names[kind]] = holdout
    best_of = {kind: max(judged[kind], key=lambda name: judged[kind][name].mean_ndcg()) for kind in KINDS}
    rows = [
        holdout.variant_score(name, is_in_use=name == best_of[kind])
        for kind in KINDS
        for name, holdout in judged[kind].items()
    ]
    return best_of, pl.concat(rows).with_columns(horizon_days=pl.lit(model.days, pl.Int64))


def _judged(
    model: PurchaseModel,
    fitted: dict[str, Regression],
    day: int,
    count: int,
    running: pl.DataFrame,
    customers: int,
) -> dict[str, Holdout]:
    """How good offers of each kind would have been on the days after the day, were all items offered: few offers would leave
    nothing to choose between. customers: at most."""
    history, days = model.history, model.days
    repeated, taken = model.repeats(day), model.firsts(day)
    is_again = model.is_bought_again(day)
    favourites = np.where(repeated.is_bought, repeated.count + repeated.last / (2.0 * HISTORY_DAYS), -np.inf)
    popular = taken.of_item[:, 1]
    holdouts = {kind: Holdout(kind, count) for kind in KINDS}
    for block in history.blocks(customers):
        out = _blocked(running, block, history.items, history.customers)
        for kind in KINDS:
            if kind == REPEAT:
                logits = repeat_logits(repeated, fitted[kind], block)
                baseline = block.spread(favourites, -np.inf)
                answers = block.spread(is_again, 0.0) > 0
            else:
                logits = first_logits(taken, fitted[kind], block)
                baseline = np.where(np.isneginf(logits), -np.inf, popular[None, :])
                answers = (block.first > day) & (block.first <= day + days)
            logits, baseline = np.where(out, -np.inf, logits), np.where(out, -np.inf, baseline)
            holdouts[kind].add(logits, baseline, answers)
    return holdouts


@dataclass(frozen=True)
class _Choice:
    """The offers of the as-of day, chosen by probability times what an offer brings."""

    model: PurchaseModel
    day: int
    offers: _Offers
    #: customer, number: nobody is offered this
    blocked: pl.DataFrame
    who: pl.DataFrame
    items: pl.DataFrame
    since: date
    settings: OfferSettings

    def proposed(self, kind: str, fitted: Regression, calibration: Regression) -> pl.DataFrame:
        """The best offers of the kind for each customer, as many of each channel as may be made at most."""
        model, history, offers = self.model, self.model.history, self.offers.rows
        repeated = model.repeats(self.day)
        taken = model.firsts(self.day) if kind == NEW else None
        amounts = _Amounts.of(history, offers)
        channels = [
            np.flatnonzero((offers["channel"].fill_null("") == channel).to_numpy())
            for channel in offers["channel"].fill_null("").unique().sort().to_list()
        ]
        item = offers["item"].to_numpy().astype(np.int64)
        chosen = []
        for block in history.blocks():
            logits = repeat_logits(repeated, fitted, block) if taken is None else first_logits(taken, fitted, block)
            logits[_blocked(self.blocked, block, history.items, history.customers)] = -np.inf
            chance = probability(calibration.calibrated(logits))[:, item]
            brings = amounts.table(block, repeated.count)
            worth = np.where(chance > 0, chance * brings, -np.inf)
            worth[~self._may_have(block)] = -np.inf
            for columns in channels:
                spare = len(columns) - len(np.unique(item[columns]))
                place = columns[best(worth[:, columns], self.settings.max_per_customer + spare)]
                row = np.repeat(np.arange(len(place)), place.shape[1])
                column = place.ravel()
                kept = worth[row, column] > 0
                row, column = row[kept], column[kept]
                chosen.append(
                    pl.DataFrame(
                        {
                            "customer": block.customers[row], "number": column, "item": item[column],
                            "probability": chance[row, column], "contribution_if_taken": brings[row, column],
                        }
                    )
                )  # fmt: skip
        return self._explained(kind, pl.concat(chosen), repeated, taken)

    def _may_have(self, block: Block) -> Flags:
        allowed = np.ones((len(block.customers), self.offers.rows.height), dtype=np.bool_)
        people = self.who["customer_id"].gather(block.customers)
        for number, customers in self.offers.eligible.items():
            allowed[:, number] = people.is_in(customers.implode()).to_numpy()
        return allowed

    def _explained(self, kind: str, chosen: pl.DataFrame, repeated: Repeats, taken: Firsts | None) -> pl.DataFrame:
        history = self.model.history
        pairs = pl.DataFrame(
            {
                "customer": history.pair_customer, "item": history.pair_item, "purchase_days": repeated.count,
                "last": repeated.last, "gap": repeated.gap,
            }
        )  # fmt: skip
        if taken is None:
            found = chosen.join(pairs, on=["customer", "item"], how="left", maintain_order="left").with_columns(
                reason_kind=pl.when(pl.col("purchase_days") > 1)
                .then(pl.lit("repeat"))
                .otherwise(pl.lit("repeat_once")),
                item_before=pl.lit(None, pl.String),
                followers_share=pl.lit(None, pl.Float64),
            )
        else:
            before, share = _before(history, taken, chosen)
            names = self.items["item"]
            led = pl.Series(before >= 0)
            found = (
                chosen.with_columns(before=pl.Series(before), followers_share=pl.Series(share))
                .join(
                    pairs.select("customer", "last", before="item"), on=["customer", "before"], how="left",
                    maintain_order="left",
                )
                .with_columns(
                    purchase_days=pl.lit(None, pl.Int64),
                    gap=pl.lit(None, pl.Float64),
                    reason_kind=pl.when(led).then(pl.lit("new")).otherwise(pl.lit("popular")),
                    item_before=pl.select(pl.when(led).then(names.gather(np.maximum(before, 0)))).to_series(),
                )
            )  # fmt: skip
        since = pl.lit(self.since, pl.Date)
        last_bought_on = since + pl.duration(days=pl.col("last"))
        gap_days = pl.col("gap").round().clip(1).cast(pl.Int64)
        offers = self.offers.rows.select("offer", "valid_until", offered_channel="channel").with_row_index("number")
        return (
            found.join(offers.with_columns(pl.col("number").cast(pl.Int64)), on="number", maintain_order="left")
            .join(self.who.with_columns(pl.col("customer").cast(pl.Int64)), on="customer", maintain_order="left")
            .join(
                self.items.select("item_level", item=pl.col("number").cast(pl.Int64), item_name="item"), on="item",
                maintain_order="left",
            )
            .select(
                "customer_id", "offer", "item_level", "offered_channel", "reason_kind", "purchase_days", "item_before",
                "valid_until",
                # figures of equal nights are equal to the last digit
                pl.col("probability").round(6),
                pl.col("contribution_if_taken").round(4),
                pl.col("followers_share").round(4),
                row_type=pl.lit("offer"), kind=pl.lit(kind), item="item_name", last_bought_on=last_bought_on,
                gap_days=gap_days, due_on=last_bought_on + pl.duration(days=gap_days),
                origin_on=since + pl.duration(days=self.day), horizon_days=pl.lit(self.model.days, pl.Int64),
            )
        )  # fmt: skip


@dataclass(frozen=True)
class _Amounts:
    """What a purchase of each offer brings: by its margin, else what such purchases brought, less its cost."""

    history: PurchasePairs
    item: Ints
    margin_rate: Floats
    unit_cost: Floats

    @staticmethod
    def of(history: PurchasePairs, offers: pl.DataFrame) -> "_Amounts":
        return _Amounts(
            history,
            offers["item"].to_numpy().astype(np.int64),
            offers["margin_rate"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
            offers["unit_cost"].cast(pl.Float64).fill_null(0.0).to_numpy(),
        )

    def table(self, block: Block, count: Ints) -> Floats:
        """Of a block, by offers. count: purchase days of each pair."""
        net, contribution = (
            self._mean(block, values, count) for values in (self.history.net, self.history.contribution)
        )
        by_margin = net[:, self.item] * self.margin_rate
        return np.where(np.isnan(self.margin_rate), contribution[:, self.item], by_margin) - self.unit_cost

    def _mean(self, block: Block, values: Floats, count: Ints) -> Floats:
        history = self.history
        sums = np.add.reduceat(values, history.start) if len(history.start) else np.zeros(0)
        of_item = history.item_sums(history.pair_item, sums) / np.maximum(
            history.item_sums(history.pair_item, count), 1
        )
        own = (sums + _AMOUNT_PRIOR * of_item[history.pair_item]) / (count + _AMOUNT_PRIOR)
        table = np.broadcast_to(of_item, block.first.shape).copy()
        table[block.row, block.column] = own[block.pairs]
        return table


def _before(history: PurchasePairs, taken: Firsts, chosen: pl.DataFrame) -> tuple[Ints, Floats]:
    """Of each offer, the item that the customer had with the greatest lift to it, enough had it and more than usual went on, else
    -1; and the share of those who had it, or of all, who went on to the offered one. What they took lately tells of itself."""
    before = np.full(chosen.height, -1, dtype=np.int64)
    who, item = chosen["customer"].to_numpy(), chosen["item"].to_numpy()
    share = taken.taken_share[item].copy()
    greatest = np.zeros(chosen.height)
    order = np.argsort(who, kind="stable")
    for following, since in ((taken.of_had, -1), (taken.of_lately, taken.since)):
        lift = np.where(following.could >= _MIN_SUPPORT, following.lift, -np.inf)
        for block in history.blocks():
            low, high = np.searchsorted(who[order], [block.customers[0], block.customers[-1] + 1])
            rows, step = order[low:high], max(4_000_000 // max(history.items, 1), 1)
            for begin in range(0, len(rows), step):
                part = rows[begin : begin + step]
                first = block.first[who[part] - block.customers[0]]
                led = np.where((first <= taken.day) & (first >= since), lift[:, item[part]].T, -np.inf)
                place = led.argmax(1)
                found = led[np.arange(len(part)), place]
                counted = following.took[place, item[part]] / np.maximum(following.could[place, item[part]], 1)
                is_led = found > greatest[part]
                before[part] = np.where(is_led, place, before[part])
                share[part] = np.where(is_led, counted, share[part])
                greatest[part] = np.where(is_led, found, greatest[part])
    return before, share
