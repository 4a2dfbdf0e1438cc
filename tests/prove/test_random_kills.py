"""Two hundred kills at random instants of whole nights: nothing lost, nothing half-done, the next night heals.

Each killed night starts from what the one before left; a new file arrives before each, so there is always work to do.
"""

import multiprocessing
import os
import random
import signal
from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import NOW, Company, marts

KILLS = int(os.environ.get("CLIENTELA_KILLS", "200"))
HEAL_EVERY = 10


def _night(config_path: str, now: datetime) -> None:
    from clientela.config import load_config
    from clientela.night import run

    run(load_config(config_path), now=now)


@pytest.mark.prove
def test_kills_at_random_instants_lose_nothing(shop: Company, tmp_path_factory: pytest.TempPathFactory) -> None:
    shop.change(lambda s: s.update(publish={"personal_data": "full"}))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["clientela.night", "great_expectations.expectations", "dbt.cli.main"])
    chance = random.Random(7)
    killed = 0
    for number in range(KILLS):
        line = f"k{number},1,{'abc'[number % 3]},bread,{number}.25,2026-01-{number % 28 + 1:02d} 12:00:00\n"
        shop.write(f"sales_k{number}.csv", "receipt,line,customer,product,net,sold_at\n" + line)
        now = NOW + timedelta(minutes=number)
        child = context.Process(target=_night, args=(str(shop.config_path), now))
        child.start()
        child.join(chance.uniform(0.2, 9))
        if child.is_alive():
            os.kill(child.pid, signal.SIGKILL)
            child.join()
            killed += 1
        if (shop.config.published / "marts.duckdb").exists():
            # whatever is published is whole: its lines and its customers' value agree
            ((lines, value),) = shop.published(
                "select (select sum(net_amount) from value.order_lines), (select sum(net_revenue) from value.customer_value)"
            )
            assert lines == value
        if number % HEAL_EVERY == HEAL_EVERY - 1:
            assert shop.night(now + timedelta(seconds=30)).exit_code == 0
            total = sum(n + 0.25 for n in range(number + 1)) + 16.50
            assert float(shop.published("select sum(net_amount) from value.order_lines")[0][0]) == pytest.approx(total)
    undisturbed = Company(tmp_path_factory.mktemp("undisturbed"))
    for path in [*shop.folder.glob("*.csv"), shop.config_path]:
        undisturbed.write(path.name, path.read_bytes())
    assert undisturbed.night(datetime(2026, 6, 1, tzinfo=UTC)).exit_code == 0
    assert shop.night(datetime(2026, 6, 1, tzinfo=UTC)).exit_code == 0
    assert marts(shop) == marts(undisturbed)
    assert killed > KILLS // 2, f"{killed} of {KILLS} nights were killed"
