"""Each survival curve says whose it is: new buyers alone where the beginning must be known."""

from datetime import date

import polars as pl

from clientela.retention.calendar import month_end
from clientela.retention.curves import SEGMENTATIONS, Endings, curves, landmark
from clientela.retention.month_ends import states_at_month_ends

AS_OF = date(2026, 12, 31)


def test_a_curve_says_whom_it_was_drawn_of() -> None:
    """Two buyers there before the data begin, one of whom lapses; three new ones, one of whom lapses; one contract ended."""
    lapsed = {1: date(2026, 6, 1), 3: date(2026, 9, 1)}
    first = {1: date(2026, 1, 1), 2: date(2026, 1, 2), 3: date(2026, 3, 1), 4: date(2026, 4, 1), 5: date(2026, 5, 1)}
    rows = [
        {
            "customer_id": customer,
            "measured_on": end,
            "state": "lapsed" if (gone := lapsed.get(customer)) is not None and end >= gone else "active",
            "first_ordered_on": day,
            "lapsed_on": gone if gone is not None and end >= gone else None,
        }
        for customer, day in first.items()
        for end in (month_end(day, months) for months in range(12))
        if end <= AS_OF
    ]
    states = pl.DataFrame(rows, schema_overrides={"lapsed_on": pl.Date})
    landmark_on = landmark(AS_OF, date(2026, 5, 31))
    found = curves(
        AS_OF,
        landmark_on,
        # whoever is in a frame of their own counts as if all were in one
        Endings.of([states.filter(pl.col("customer_id") != 3), states.filter(pl.col("customer_id") == 3)], landmark_on),
        customers=pl.DataFrame(
            {
                "customer_id": list(first),
                "acquisition_channel": ["web"] * 5,
                "is_left_censored": [True, True, False, False, False],
            }
        ),
        contracts=pl.DataFrame(
            {
                "customer_id": [1, 2],
                "started_on": [date(2026, 1, 1)] * 2,
                "ends_on": [date(2026, 5, 31), None],
                "cancelled_on": [date(2026, 5, 1), None],
                "cancelled_by": ["customer", None],
            }
        ),
        segments=pl.DataFrame(
            {
                "customer_id": list(first),
                **{
                    name: ["one"] * 5
                    for name in ("value_tier", "engagement_tier", "rfm_group", "rule_segment", "micro_segment")
                },
            }
        ),
    )
    at_start = found.group_by("basis", "segmentation", "population").agg(pl.col("customers_at_risk").max())
    drawn = {(basis, by): (whose, count) for basis, by, whose, count in at_start.rows()}
    new, before = "buyers first seen after the first days of the data", "buyers there before the data begin"
    assert drawn["first lapse", "all"] == drawn["first lapse", "acquisition_channel"] == (new, 3)
    assert drawn["first lapse", "left-censored"] == (before, 2)
    assert drawn["since landmark", "all"] == ("customers neither lapsed nor cancelled on the landmark day", 5)
    assert drawn["contract", "all"] == ("all contracts", 2)


def test_whom_a_contract_kept_beyond_their_silence_leaves_after_the_landmark_with_it() -> None:
    """Bought once, long before the landmark; the contract ends twenty days after it."""
    landmark_on = month_end(AS_OF, -12)
    bought = pl.DataFrame({"customer_id": [1], "ordered_on": [date(2024, 1, 1)]})
    seen = pl.DataFrame(
        {"customer_id": [1], "first_seen_on": [date(2024, 1, 1)], "first_ordered_on": [date(2024, 1, 1)]}
    )
    contracts = pl.DataFrame(
        {
            "customer_id": [1],
            "started_on": [date(2024, 1, 1)],
            "ends_on": [date(2026, 1, 20)],
            "cancelled_on": [None],
            "cancelled_by": [None],
        },
        schema_overrides={"cancelled_on": pl.Date, "cancelled_by": pl.String},
    )
    assert landmark(AS_OF, date(2024, 1, 31)) == landmark_on
    found = curves(
        AS_OF,
        landmark_on,
        Endings.of([states_at_month_ends(AS_OF, 90, seen, bought, contracts)], landmark_on),
        customers=pl.DataFrame({"customer_id": [1], "acquisition_channel": ["web"], "is_left_censored": [False]}),
        contracts=contracts,
        segments=pl.DataFrame({"customer_id": [1], **{name: ["one"] for name in SEGMENTATIONS}}),
    )
    whole = found.filter(pl.col("segmentation") == "all", pl.col("customers_lapsed") > 0)
    assert dict(whole.select("basis", "days").iter_rows()) == {
        "since landmark": 21,
        "first lapse": (date(2026, 1, 21) - date(2024, 1, 1)).days,
        "contract": (date(2026, 1, 20) - date(2024, 1, 1)).days,
    }
