"""A hundred and more kills at random instants in backup, restore, forgetting, expiry and rotation: what is left is the old or
the new."""

import multiprocessing
import random
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clientela.backup.make import back_up
from clientela.backup.restore import restore
from clientela.backup.store import open_store
from clientela.config.read import load_config
from clientela.masking import check_value
from clientela.pipeline.open_run import open_run
from clientela.pipeline.rotation import rotate_secret
from clientela.privacy.person import due
from tests.conftest import Company
from tests.unit.backup.test_backup import everything
from tests.unit.privacy.test_forget import HERS, NIGHT, REQUESTS, found, load, open_privacy_shop
from tests.unit.privacy.test_retention import LATER, NOTE, hits
from tests.unit.privacy.test_retention import load as load_and_expire

KILLS = 25
TOTAL = "select sum(net_amount), count(*) from raw.transactions"


def _back_up(folder: Path, to: Path) -> None:
    back_up(load_config(folder / "clientela.yml"), to)


def _restore(folder: Path, to: Path) -> None:
    restore(folder / "clientela.yml", to)


def _rotate(folder: Path, _: Path) -> None:
    rotate_secret(load_config(folder / "clientela.yml"))


def _forget(folder: Path, _: Path) -> None:
    with open_run(load_config(folder / "clientela.yml"), "forget", now=NIGHT) as run:
        run.forget(due(run.connection, NIGHT.date(), run.config.time_zone))


def _expire(folder: Path, _: Path) -> None:
    with open_run(load_config(folder / "clientela.yml"), "night", now=LATER) as run:
        run.expire_due()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose customer has asked to be forgotten, the day before that is done."""
    shop = open_privacy_shop(tmp_path_factory.mktemp("shop"))
    shop.write("erasures.csv", REQUESTS)
    shop.change(lambda settings: settings.update(privacy={"grace_days": 3650}))
    load(shop)
    return shop.folder


def _started(work: Callable[[Path, Path], None], *arguments: Path) -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.prove.keep.test_kills"])
    child = context.Process(target=work, args=arguments)
    child.start()
    return child


def _kills(
    work: Callable[[Path, Path], None], made: Path, tmp_path: Path, prepare: Callable[[Path, Path], None],
    check: Callable[[Path, Path, bool], None], seed: int,
) -> None:  # fmt: skip
    """Do the work once to its end for its duration, then kill it at so many instants of it, and check what is left."""
    draw = random.Random(seed)
    duration = 0.0
    ended = 0
    for kill in range(KILLS + 1):
        folder, to = tmp_path / f"shop{kill}", tmp_path / f"kept{kill}"
        shutil.copytree(made, folder)
        prepare(folder, to)
        child = _started(work, folder, to)
        began = time.monotonic()
        if kill == 0:
            child.join(300)
            duration = time.monotonic() - began
            assert child.exitcode == 0
        else:
            child.join(draw.uniform(0.02, duration))
            child.kill()
            child.join()
        ended += child.exitcode == 0
        check(folder, to, child.exitcode == 0)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(to, ignore_errors=True)
    assert ended < KILLS, "most are killed amid their work"


@pytest.mark.prove
def test_a_killed_backup_is_none_or_whole(made: Path, tmp_path: Path) -> None:
    def prepare(folder: Path, to: Path) -> None:
        if int(folder.name.removeprefix("shop")) % 2:
            back_up(Company(folder).config, to)
            (folder / "data" / "gate" / "more.html").write_bytes(random.Random(7).randbytes(9_000_000))

    def check(folder: Path, to: Path, has_ended: bool) -> None:
        config = Company(folder).config
        before = len(open_store(to, None).ids()) if (to / "clientela-backup.json").exists() else 0
        assert not has_ended or before
        back_up(config, to, is_verifying=True)
        whole = everything(config.data)
        for backup_id in open_store(to, None).ids()[-1:]:
            shutil.rmtree(config.data)
            restore(folder / "clientela.yml", to, backup_id=backup_id)
            assert everything(config.data) == whole

    _kills(_back_up, made, tmp_path, prepare, check, 1)


@pytest.mark.prove
def test_a_killed_restore_leaves_nothing_or_everything(made: Path, tmp_path: Path) -> None:
    wanted = everything(made / "data")

    def prepare(folder: Path, to: Path) -> None:
        back_up(Company(folder).config, to)
        shutil.rmtree(folder / "data")
        (folder / "clientela.yml").unlink()

    def check(folder: Path, to: Path, has_ended: bool) -> None:
        data = folder / "data"
        if data.exists():
            assert everything(data) == wanted
        else:
            assert not has_ended
            restore(folder / "clientela.yml", to)
            assert everything(data) == wanted

    _kills(_restore, made, tmp_path, prepare, check, 2)


@pytest.mark.prove
def test_a_killed_rotation_leaves_the_old_secret_or_the_new(made: Path, tmp_path: Path) -> None:
    def check(folder: Path, to: Path, has_ended: bool) -> None:
        shop = Company(folder)
        load(shop, NIGHT)
        secret = (folder / "data" / "secret").read_text(encoding="ascii")
        assert shop.warehouse("select check_value from ledger.secret") == [(check_value(secret),)]
        assert not (folder / "data" / "secret.next").exists()
        is_new = secret != (made / "data" / "secret").read_text(encoding="ascii")
        assert is_new or not has_ended

    _kills(_rotate, made, tmp_path, lambda folder, to: None, check, 3)


@pytest.mark.prove
def test_a_killed_erasure_leaves_the_person_or_nothing_of_them(made: Path, tmp_path: Path) -> None:
    total = Company(made).warehouse(TOTAL)

    def check(folder: Path, to: Path, has_ended: bool) -> None:
        shop = Company(folder)
        names = shop.warehouse("select count(*) from raw.customers where record_key = 'a-100'")[0][0]
        assert shop.warehouse(TOTAL) == total, "facts are whole in the old warehouse and in the new"
        facts = shop.warehouse("select count(*) from raw.transactions where customer_key = 'a-100'")[0][0]
        assert (names > 0) == (facts > 0), "all of the person is there, or nothing"
        assert not (has_ended and names)
        if not names:
            load(shop, NIGHT + timedelta(days=1))
            assert found(shop) == {}
        else:
            shop.change(lambda settings: settings.update(privacy={"grace_days": 1}))
            load(shop, NIGHT + timedelta(days=1))
            assert found(shop) == {}, HERS
        assert shop.warehouse(TOTAL) == total

    _kills(_forget, made, tmp_path, lambda folder, to: None, check, 4)


@pytest.mark.prove
def test_a_killed_expiry_leaves_all_that_is_over_or_nothing_of_it(made: Path, tmp_path: Path) -> None:
    """Values expire, which needs no build: facts take the same road."""
    total = Company(made).warehouse(TOTAL)
    values = "select (select count(note) from raw.interactions), (select count(phone) from raw.customers)"
    ((notes, phones),) = Company(made).warehouse(values)

    def prepare(folder: Path, to: Path) -> None:
        rules = {"grace_days": 36500, "retention_days": {"interactions.note": 365, "customers.phone": 365}}
        Company(folder).change(lambda settings: settings.update(privacy=rules))

    def check(folder: Path, to: Path, has_ended: bool) -> None:
        shop = Company(folder)
        ((notes_left, phones_left),) = shop.warehouse(values)
        assert (notes_left, phones_left) in ((notes, phones), (0, phones - 2)), "all that is over is there, or nothing"
        assert not (has_ended and notes_left)
        load_and_expire(shop, LATER + timedelta(days=1))
        assert hits(shop, NOTE) == [] and shop.warehouse(values) == [(0, phones - 2)]
        assert shop.warehouse(TOTAL) == total

    _kills(_expire, made, tmp_path, prepare, check, 5)
