"""Stable ids: what a run may and may not do to a customer_id."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from clientela.identity.registry import LOG_SCHEMA, Assignment, assign, crosswalk

Groups = list[list[int]]
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
EMPTY = pl.DataFrame(schema=LOG_SCHEMA)


def grouping(groups: Groups, label: int = 0) -> pl.DataFrame:
    rows = [(record, label + number) for number, group in enumerate(groups) for record in group]
    return pl.DataFrame(rows, schema={"record_id": pl.Int64, "cluster": pl.Int64}, orient="row")


def run(groups: Groups, registry: pl.DataFrame) -> tuple[Assignment, pl.DataFrame]:
    done = assign(grouping(groups), registry)
    return done, pl.concat([registry, done.added])


def ids(done: Assignment) -> dict[int, int]:
    return dict(done.crosswalk.iter_rows())


def events_of(done: Assignment) -> list[tuple[str, int, int | None]]:
    return done.events.select("event", "customer_id", "other_customer_id").rows()


def nights(*history: Groups) -> tuple[list[dict[int, int]], Assignment]:
    registry, seen, done = EMPTY, [], None
    for groups in history:
        done, registry = run(groups, registry)
        seen.append(ids(done))
    assert done is not None
    return seen, done


def test_ids_are_handed_out_in_sequence_from_one_and_zero_is_never_used() -> None:
    seen, done = nights([[30], [10, 20], [40]])
    assert seen == [{10: 1, 20: 1, 30: 2, 40: 3}]
    assert events_of(done) == [("created", 1, None), ("created", 2, None), ("created", 3, None)]


def test_a_rerun_changes_no_id_and_adds_nothing_to_memory() -> None:
    _, registry = run([[1, 2], [3]], EMPTY)
    again = assign(grouping([[3], [2, 1]], label=70), registry)
    assert again.added.is_empty() and again.events.is_empty() and again.retired.is_empty()


def test_in_a_merge_the_older_id_survives_even_if_it_is_the_smaller_customer() -> None:
    seen, done = nights([[1], [2, 3, 4]], [[1, 2, 3, 4]])
    assert set(seen[-1].values()) == {1}
    assert done.retired.rows() == [(2, 1)]
    assert events_of(done) == [("merged", 1, 2)]


def test_a_merge_undone_gives_everyone_their_id_back() -> None:
    seen, done = nights([[1], [2, 3, 4]], [[1, 2, 3, 4]], [[1], [2, 3, 4]])
    assert seen[2] == seen[0]
    assert events_of(done) == [("split", 1, 2)]


def test_merges_within_merges_come_undone_in_any_order() -> None:
    start: Groups = [[1], [2], [3]]
    seen, _ = nights(start, [[1], [2, 3]], [[1, 2, 3]], [[1], [2, 3]], start)
    assert seen[3] == seen[1] and seen[4] == seen[0]
    seen, _ = nights(start, [[1], [2, 3]], [[1, 2, 3]], start)
    assert seen[-1] == seen[0]


def test_a_split_leaves_the_id_with_the_largest_part_and_gives_the_other_a_new_one() -> None:
    seen, done = nights([[1, 2, 3], [9]], [[1], [2, 3], [9]])
    assert seen[-1] == {1: 3, 2: 1, 3: 1, 9: 2}
    assert events_of(done) == [("split", 1, 3)]


def test_an_id_of_a_customer_that_died_is_never_given_to_somebody_else() -> None:
    seen, _ = nights([[1], [2]], [[1]], [[1], [3]])
    assert seen[-1] == {1: 1, 3: 3}


def test_a_record_that_moves_between_two_customers_changes_nobody_elses_id() -> None:
    seen, done = nights([[1, 2], [3, 4]], [[1], [2, 3, 4]])
    assert seen[-1] == {1: 1, 2: 2, 3: 2, 4: 2}
    assert events_of(done) == [("moved", 2, 1)]


def test_a_record_that_returns_after_an_absence_has_its_id_again() -> None:
    seen, _ = nights([[1], [2]], [[1]], [[1], [2]])
    assert seen[0] == seen[2]


def test_a_merge_names_the_rule_that_caused_it() -> None:
    _, registry = run([[1], [2]], EMPTY)
    links = pl.DataFrame({"record_id_l": [1], "record_id_r": [2], "rule": ["tax_id"]})
    done = assign(grouping([[1, 2]]), registry, links=links)
    assert done.events["cause"].to_list() == ["records of both were linked by tax_id"]


def test_the_crosswalk_can_be_asked_as_it_was_at_any_run() -> None:
    _, registry = run([[1], [2]], EMPTY)
    _, registry = run([[1, 2]], registry)
    assert crosswalk(registry, as_of_sequence=1).rows() == [(1, 1), (2, 2)]
    assert crosswalk(registry).rows() == [(1, 1), (2, 1)]


def test_a_record_given_twice_or_an_id_of_zero_is_refused_in_one_sentence() -> None:
    with pytest.raises(ValueError, match="record_id 1 was given twice"):
        assign(pl.DataFrame({"record_id": [1, 1], "cluster": [1, 2]}), EMPTY)
    with pytest.raises(ValueError, match="0 is reserved"):
        assign(grouping([[1]]), pl.DataFrame({"record_id": [1], "customer_id": [0]}))


def test_no_record_at_all_is_no_error() -> None:
    assert assign(grouping([]), EMPTY).crosswalk.is_empty()


@st.composite
def histories(draw: st.DrawFn) -> list[Groups]:
    """Some nights on up to nine records that come, go and are regrouped at will."""
    count = draw(st.integers(1, 9))
    out: list[Groups] = []
    for _ in range(draw(st.integers(1, 5))):
        labels = draw(st.lists(st.one_of(st.none(), st.integers(0, 4)), min_size=count, max_size=count))
        groups: dict[int, list[int]] = {}
        for record, label in enumerate(labels):
            if label is not None:
                groups.setdefault(label, []).append(record)
        out.append(list(groups.values()))
    return out


def after(history: list[Groups]) -> pl.DataFrame:
    registry = EMPTY
    for groups in history:
        _, registry = run(groups, registry)
    return registry


@settings(max_examples=40, deadline=None, phases=QUICK)
@given(histories(), st.randoms(use_true_random=False))
def test_whatever_happened_every_group_has_one_id_of_its_own_whatever_the_row_order(history, chance) -> None:  # type: ignore[no-untyped-def]
    registry = after(history[:-1])
    done, registry_after = run(history[-1], registry)
    got = ids(done)
    assert {frozenset(g) for g in history[-1]} == {
        frozenset(r for r, c in got.items() if c == customer) for customer in set(got.values())
    }
    assert min(got.values(), default=1) >= 1
    groups = [list(group) for group in history[-1]]
    chance.shuffle(groups)
    shuffled = assign(grouping(groups, label=5).sample(fraction=1, shuffle=True, seed=1), registry.reverse())
    assert shuffled.crosswalk.equals(done.crosswalk) and shuffled.events.equals(done.events)
    assert assign(grouping(history[-1]), registry_after).added.is_empty()


@settings(max_examples=40, deadline=None, phases=QUICK)
@given(histories(), st.lists(st.integers(0, 3), min_size=9, max_size=9))
def test_after_any_history_a_merge_and_its_undoing_leave_every_id_as_before(history, into) -> None:  # type: ignore[no-untyped-def]
    registry = after(history)
    before = history[-1]
    merged: dict[int, list[int]] = {}
    for number, group in enumerate(before):
        merged.setdefault(into[number % 9], []).extend(group)
    start, registry = run(before, registry)
    _, registry = run(list(merged.values()), registry)
    back, _ = run(before, registry)
    assert ids(back) == ids(start)
