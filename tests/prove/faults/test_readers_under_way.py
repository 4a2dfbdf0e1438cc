"""Two dozen processes read while night after night is published: none fails, none sees half of two files."""

import multiprocessing
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import duckdb
import pytest

from clientela.pipeline.nightly import publish_again
from tests.conftest import MORE_SALES, Company

READERS = 24
PUBLICATIONS = 12
WHOLE = """
select
    (select sum(net_amount) from value.order_lines), (select sum(net_revenue) from value.customer_value),
    (select count(*) from value.order_lines), (select any_value(run_id) from operations.publication)
"""


def _read(path: Path, stop: Event, answers: "multiprocessing.Queue[tuple[int, set, list]]", holds: bool) -> None:
    """Open, ask, close, again and again; one in three holds its connection, and asks it again and again."""
    reads, seen, faults = 0, set(), []
    held = duckdb.connect(str(path), read_only=True) if holds else None
    first = held.execute(WHOLE).fetchall() if held else None
    while not stop.is_set():
        try:
            connection = held or duckdb.connect(str(path), read_only=True)
            answer = connection.execute(WHOLE).fetchall()
            if held is None:
                connection.close()
            if answer[0][0] != answer[0][1]:
                faults.append(f"torn: {answer}")
            if first is not None and answer != first:
                faults.append(f"changed under a reader that held it: {first} {answer}")
            seen.add((answer[0][2], answer[0][3]))
            reads += 1
        except duckdb.Error as error:
            faults.append(str(error))
        stop.wait(0.3)
    answers.put((reads, seen, faults))


@pytest.mark.prove
def test_two_dozen_readers_see_whole_files_during_publications(shop: Company) -> None:
    shop.night()
    path = shop.config.published / "marts.duckdb"
    context = multiprocessing.get_context("forkserver")
    stop, answers = context.Event(), context.Queue()
    readers = [context.Process(target=_read, args=(path, stop, answers, n % 3 == 0)) for n in range(READERS)]
    for reader in readers:
        reader.start()
    try:
        for number in range(PUBLICATIONS):
            if number % 4 == 0:
                shop.write(
                    f"sales_{number}n.csv", MORE_SALES.replace("4,1", f"4{number},1").replace("5,1", f"5{number},1")
                )
                assert shop.night().exit_code == 0
            else:
                assert publish_again(shop.config).exit_code == 0
            time.sleep(0.2)
    finally:
        stop.set()
    results = [answers.get(timeout=60) for _ in readers]
    for reader in readers:
        reader.join(60)
        assert reader.exitcode == 0
    assert [fault for _, _, faults in results for fault in faults] == []
    assert all(reads > 2 for reads, _, _ in results)
    seen = set().union(*(seen for _, seen, _ in results))
    assert len(seen) >= 3, "readers saw several publications"
    print(f"{sum(reads for reads, _, _ in results)} reads by {READERS} processes during {PUBLICATIONS} publications")
