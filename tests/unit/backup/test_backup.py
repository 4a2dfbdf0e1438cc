"""Backups: what is kept comes back whole; what is cut off, damaged, hostile or closed to us is said and changes nothing."""

import json
import os
import shutil
import stat
import zlib
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from clientela.backup.make import back_up
from clientela.backup.restore import restore, restore_secret
from clientela.backup.sealing import Opener, read_key_file
from clientela.backup.store import KeptFile, Listed, need_safe, open_store, writable_store
from clientela.cli.main import main
from clientela.errors import ClientelaError, ConfigError
from clientela.pipeline.open_run import open_run
from clientela.pipeline.rebuild import rebuild
from tests.conftest import NOW, Company, open_shop
from tests.unit.pipeline.test_rebuild import held, load

SECRET_WORDS = Opener(passphrase="a horse, a battery and a staple")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = open_shop(tmp_path_factory.mktemp("shop"))
    shop.change(lambda settings: settings.update(reference_folder="reference"))
    shop.write("reference/cost_rates.csv", "activity,unit_cost\n")
    load(shop)
    return shop.folder


@pytest.fixture
def kept(tmp_path: Path, made: Path) -> Company:
    shutil.copytree(made, tmp_path / "shop")
    return Company(tmp_path / "shop")


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def everything(folder: Path) -> dict[str, bytes]:
    names = ("warehouse.duckdb", "landing/", "memory/", "secret", "gate/")
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).as_posix().startswith(names)
    }


@pytest.mark.parametrize("opener", [None, SECRET_WORDS, Opener(key=bytes(32))])
def test_everything_lost_comes_back(kept: Company, to: Path, opener: Opener | None) -> None:
    before, shown = everything(kept.config.data), held(kept)
    source = kept.config_path.read_bytes()
    assert back_up(kept.config, to, opener=opener).new_bytes > 0
    shutil.rmtree(kept.folder)
    restored = restore(kept.config_path, to, opener)
    assert everything(kept.config.data) == before and kept.config_path.read_bytes() == source
    assert held(kept) == shown and restored.has_warehouse
    assert (kept.folder / "reference" / "cost_rates.csv").is_file()
    for path in (kept.config.data, *kept.config.data.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    load(kept, 1)
    assert kept.warehouse("select action from ledger.audit where action = 'restore'") == [("restore",)]


def test_of_delivered_files_alone_the_warehouse_is_rebuilt(kept: Company, to: Path) -> None:
    shown = held(kept)
    back_up(kept.config, to, "landing")
    assert "data/warehouse.duckdb" not in open_store(to, None).listed().files
    shutil.rmtree(kept.config.data)
    assert not restore(kept.config_path, to).has_warehouse
    rebuild(kept.config)
    assert held(kept) == shown


def test_the_secret_alone_comes_back_and_no_other(kept: Company, to: Path) -> None:
    back_up(kept.config, to)
    secret = kept.config.data / "secret"
    with pytest.raises(ConfigError, match="is there and stays"):
        restore_secret(kept.config, to)
    text = secret.read_bytes()
    secret.unlink()
    assert "are as they were" in restore_secret(kept.config, to)
    assert secret.read_bytes() == text and stat.S_IMODE(secret.stat().st_mode) == 0o600
    back_up(kept.config, to)
    secret.write_bytes(b"7" * 64)
    back_up(kept.config, to, now=NOW + timedelta(days=9000))
    secret.unlink()
    with pytest.raises(ConfigError, match="is not the secret that this warehouse was made with"):
        restore_secret(kept.config, to)
    assert not secret.exists()


def test_the_second_backup_costs_what_is_new_and_older_ones_go(kept: Company, to: Path) -> None:
    first = back_up(kept.config, to, now=NOW)
    kept.write("sales_2.csv", "receipt,line,customer,product,net,sold_at\n9,1,a,tea,3.00,2026-02-12 12:00:00\n")
    (kept.config.data / "quarantine").mkdir(exist_ok=True)
    (kept.config.data / "quarantine" / "1.parquet").write_bytes(b"1234567")
    second = back_up(kept.config, to, now=NOW + timedelta(days=1))
    assert 7 <= second.new_bytes < 2000 < first.new_bytes
    (kept.config.data / "quarantine" / "1.parquet").unlink()
    pieces = len(list(to.glob("pieces/*/*")))
    third = back_up(kept.config, to, now=NOW + timedelta(days=2), keep=1)
    assert third.gone == 2 and open_store(to, None).ids() == [third.backup_id]
    assert len(list(to.glob("pieces/*/*"))) < pieces


def test_a_backup_that_is_cut_off_is_none_and_says_so(kept: Company, to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("clientela.backup.store.Store.end", killed)
        back_up(kept.config, to)
    shutil.rmtree(kept.config.data)
    with pytest.raises(ClientelaError, match=r"was begun .* and cut off before it was whole"):
        restore(kept.config_path, to)
    assert not kept.config.data.exists()


@pytest.mark.parametrize("opener", [None, SECRET_WORDS])
def test_damage_is_found_and_nothing_is_restored(kept: Company, to: Path, opener: Opener | None) -> None:
    back_up(kept.config, to, opener=opener)
    shutil.rmtree(kept.config.data)
    piece = max(to.glob("pieces/*/*"), key=lambda path: path.stat().st_size)
    content = bytearray(piece.read_bytes())
    content[len(content) // 2] ^= 1
    piece.write_bytes(content)
    with pytest.raises(ClientelaError, match="is damaged, or was changed"):
        restore(kept.config_path, to, opener)
    piece.unlink()
    with pytest.raises(ClientelaError, match="lacks the piece"):
        restore(kept.config_path, to, opener)
    assert not kept.config.data.exists() and not list(kept.folder.glob(".data*"))


def test_an_encrypted_backup_shows_nothing_and_opens_to_its_passphrase_alone(kept: Company, to: Path) -> None:
    back_up(kept.config, to, opener=SECRET_WORDS)
    everything_kept = b"".join(path.read_bytes() for path in to.rglob("*") if path.is_file())
    for known in (b"Ana Gil", b"ana@example.com", b"sales_1.csv", b"Corner shop", kept.config.company.encode()):
        assert known not in everything_kept
    for opener, said in (
        (None, "opened by its passphrase"),
        (Opener(passphrase="guess"), "does not open this backup"),
        (Opener(key=bytes(32)), "opened by its passphrase"),
    ):
        with pytest.raises(ClientelaError, match=said):
            open_store(to, opener)
    # the largest is of the warehouse, which is restored whatever else is there; names of pieces are by chance here
    other, warehouse = sorted(to.glob("pieces/*/*"), key=lambda path: path.stat().st_size)[-2:]
    shutil.copy(other, warehouse)
    shutil.rmtree(kept.config.data)
    with pytest.raises(ClientelaError, match="is damaged, or was changed"):
        restore(kept.config_path, to, SECRET_WORDS)


def test_encryption_is_not_left_out_by_mistake(kept: Company, to: Path, tmp_path: Path) -> None:
    back_up(kept.config, to)
    with pytest.raises(ConfigError, match="begun without encryption"):
        back_up(kept.config, to, opener=SECRET_WORDS)
    key = tmp_path / "key"
    key.write_text("ab" * 32, encoding="utf-8")
    key.chmod(0o644)
    with pytest.raises(ConfigError, match="others can read it"):
        read_key_file(key)
    key.chmod(0o600)
    assert read_key_file(key) == b"\xab" * 32


@pytest.mark.parametrize(
    "path", ["data/../../x", "/etc/passwd", "data//x", "data/./x", "..", "data/a\\b", "data/a\nb", "", "data/x/.."]
)
def test_a_hostile_path_is_refused(kept: Company, to: Path, path: str) -> None:
    with pytest.raises(ClientelaError, match="outside the folder"):
        need_safe(path)
    back_up(kept.config, to)
    with writable_store(to, None) as store:
        listed = store.listed()
        piece, _ = store.add_piece(b"hostile")
        file = KeptFile(path, 7, 0, (piece,))
        store.end(Listed("20990101T000000000", listed.made_at, "x", "x", {**listed.files, path: file}))
    shutil.rmtree(kept.config.data)
    with pytest.raises(ClientelaError, match="outside the folder"):
        restore(kept.config_path, to)
    assert not kept.config.data.exists()


def test_links_bombs_and_foreign_places_lead_nowhere(kept: Company, to: Path, tmp_path: Path) -> None:
    back_up(kept.config, to)
    secret_file = tmp_path / "of_another"
    secret_file.write_text("private", encoding="utf-8")
    piece = next(to.glob("pieces/*/*"))
    content = piece.read_bytes()
    piece.unlink()
    piece.symlink_to(secret_file)
    shutil.rmtree(kept.config.data)
    with pytest.raises(ClientelaError):
        restore(kept.config_path, to)
    piece.unlink()
    piece.write_bytes(b"\1" + zlib.compress(bytes(64 * 1024**2)))
    with pytest.raises(ClientelaError, match="is damaged"):
        restore(kept.config_path, to)
    piece.write_bytes(content)
    # a configuration out of a backup does not choose where reference tables are written
    kept.change(lambda settings: settings.update(reference_folder=str(tmp_path / "elsewhere")))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "offers.csv").write_text("offer\n", encoding="utf-8")
    restore(kept.config_path, to)
    back_up(kept.config, to, now=NOW + timedelta(days=9000))
    shutil.rmtree(tmp_path / "elsewhere")
    shutil.rmtree(kept.folder)
    restored = restore(kept.config_path, to)
    assert not (tmp_path / "elsewhere").exists() and (kept.folder / "restored_reference" / "offers.csv").is_file()
    assert any("move it to" in notice for notice in restored.notices)


def test_nothing_that_is_there_is_written_over(kept: Company, to: Path, tmp_path: Path) -> None:
    back_up(kept.config, to)
    before = everything(kept.config.data)
    with pytest.raises(ConfigError, match="into an empty data folder"):
        restore(kept.config_path, to)
    assert everything(kept.config.data) == before
    for folder, said in ((kept.config.data / "kept", "lies in the data folder"), (kept.folder, "something else")):
        with pytest.raises(ConfigError, match=said):
            back_up(kept.config, folder)
    with open_run(kept.config, "night", now=NOW + timedelta(days=3)), pytest.raises(ClientelaError, match="under way"):
        back_up(kept.config, to)


def test_the_commands_say_what_came_of_it(kept: Company, to: Path) -> None:
    config = ["--config", str(kept.config_path)]
    environment = {"CLIENTELA_BACKUP_PASSPHRASE": "from the environment"}
    runner = CliRunner()
    made = runner.invoke(main, ["backup", str(to), *config, "--verify"], env=environment)
    assert made.exit_code == 0 and "encrypted, written and read back" in made.output, made.output
    listed = runner.invoke(main, ["backup", str(to), "--list", "--json"], env=environment)
    assert len(json.loads(listed.output)["backups"]) == 1
    shutil.rmtree(kept.config.data)
    assert runner.invoke(main, ["restore", str(to), *config]).exit_code == 4
    restored = runner.invoke(main, ["restore", str(to), *config], env=environment)
    assert restored.exit_code == 0 and "`clientela run` builds" in restored.output
    assert "stays as it is" in restored.output
    assert os.environ.get("CLIENTELA_BACKUP_PASSPHRASE") is None
