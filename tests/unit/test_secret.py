"""The company's secret: whole or nothing, never made anew beside a warehouse, and always the same one."""

import hashlib
import hmac
import os
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from clientela.errors import ConfigError, NotPublishedError
from clientela.extract.parameters import Parameters
from clientela.masking import KeyedHash, evidence_key, masked, read_secret, shape, shape_sql, without_values
from clientela.onboard.doctor import examine
from clientela.pipeline.identity_review import preview, retrain
from clientela.pipeline.nightly import publish_again
from clientela.pipeline.open_run import open_run
from clientela.pipeline.past_day import run_as_of
from clientela.pipeline.reload_batches import reload
from clientela.pipeline.run_summary import Report
from clientela.pipeline.unload_batch import unload
from clientela.publish import Mart, publish_marts, publish_operations
from clientela.warehouse import tables as warehouse
from clientela.warehouse.keys import identity_key, keep_keys, kept_evidence_key
from tests.conftest import Company, open_shop

SECRET, OTHER = "0f" * 32, "e1" * 32


def test_it_is_made_once_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        secret = read_secret(tmp_path / "data")
    finally:
        os.umask(old)
    path = tmp_path / "data" / "secret"
    assert len(bytes.fromhex(secret)) == 32 and path.read_text() == secret == read_secret(tmp_path / "data")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["secret"], "nothing is left beside it"


def test_it_is_on_the_disk_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(stat.S_ISDIR(os.fstat(handle).st_mode)))
    read_secret(tmp_path)
    assert synced == [False, True], "the file, then the folder that names it"


@pytest.mark.parametrize(
    "content", [b"", b"\n", b" " * 64, b"0f" * 31, b"0f" * 33, b"0f" * 31 + b"0\xff", b"0g" * 32, b"\xc3\xb1" * 64]
)
def test_what_is_not_64_hexadecimal_digits_stops_with_the_path_and_the_way_back(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(ConfigError) as stopped:
        read_secret(tmp_path)
    assert str(tmp_path / "secret") in stopped.value.sentence and "backup" in stopped.value.sentence
    assert (tmp_path / "secret").read_bytes() == content


@pytest.mark.parametrize("kind", ["folder", "loop", "broken link"])
def test_what_is_no_readable_file_stops_in_the_same_way(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "secret"
    if kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path if kind == "loop" else tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"cannot be read .* backup"):
        read_secret(tmp_path)


def test_a_line_break_of_an_editor_is_no_damage(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(SECRET.encode() + b"\n")
    assert read_secret(tmp_path) == SECRET


def test_beside_a_warehouse_it_is_never_made_anew(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").touch()
    with pytest.raises(ConfigError, match=r"secret is gone.*backup"):
        read_secret(tmp_path)
    assert not (tmp_path / "secret").exists()


def _opened_shop(folder: Path) -> Company:
    """A shop whose warehouse was made and holds nothing yet."""
    company = open_shop(folder)
    company.write("data/secret", SECRET)
    with open_run(company.config):
        pass
    return company


def test_another_secret_than_the_warehouse_was_made_with_stops_every_opening(tmp_path: Path) -> None:
    company = _opened_shop(tmp_path)
    for broken in (OTHER, ""):
        company.write("data/secret", broken)
        with pytest.raises(ConfigError, match="backup"), open_run(company.config):
            pass
        with pytest.raises(ConfigError, match="backup"):
            examine(company.config)
    assert company.warehouse("select count(*) from ledger.runs") == [(1,)]
    company.write("data/secret", SECRET)
    with open_run(company.config):
        pass


def test_a_secret_that_is_exchanged_under_way_publishes_nothing(tmp_path: Path) -> None:
    company = _opened_shop(tmp_path)
    before = (company.config.published / "operations.duckdb").stat().st_ino
    with pytest.raises(NotPublishedError, match="not the secret"), open_run(company.config) as run:
        company.write("data/secret", OTHER)
        with pytest.raises(ConfigError, match="not the secret"):
            publish_operations(run.connection, company.config)
        run.connection.execute("insert into run.context by name select 'r' as run_id, date '2026-01-01' as as_of_on, "
            "now() as known_at, 'x' as company, 'EUR' as currency, 'UTC' as time_zone, 1 as left_censored_days, "
            "'x' as config_hash, 'x' as code_version, now() as started_at")  # fmt: skip
        with pytest.raises(ConfigError, match="not the secret"):
            publish_marts(run.connection, company.config, [], company.config.published)
    assert (company.config.published / "operations.duckdb").stat().st_ino == before


def test_a_warehouse_of_version_0_1_takes_its_check_and_its_keys_from_the_secret_that_is_there(tmp_path: Path) -> None:
    company = _opened_shop(tmp_path)
    connection = duckdb.connect(str(company.config.warehouse))
    connection.execute("drop table ledger.secret; drop table memory.keys; drop table ledger.renewals")
    connection.execute(
        "insert into ledger.loads by name select 1 as batch_id, 'r' as run_id, 'till' as source, 'customers' as entity, "
        "'append' as delivery, 'loaded' as status, 'm' as mapping_hash, now() as started_at"
    )
    connection.close()
    with open_run(company.config) as run:
        key = identity_key(run.connection, SECRET)
        inner = hashlib.sha256((SECRET + "ana@example.com").encode()).hexdigest()
        assert key.of("ana@example.com") == "p_" + hashlib.sha256((SECRET + inner).encode()).hexdigest()[:24]
        assert kept_evidence_key(run.connection, company.config.data) == evidence_key(SECRET)
    company.write("data/secret", OTHER)
    with pytest.raises(ConfigError, match="not the secret"), open_run(company.config):
        pass


def test_the_keys_of_identity_outlive_the_secret(tmp_path: Path) -> None:
    connection = warehouse.connect(tmp_path / "warehouse.duckdb")
    warehouse.prepare(connection)
    (tmp_path / "secret").write_text(SECRET)
    keep_keys(connection, tmp_path)
    key, evidence = identity_key(connection, SECRET), kept_evidence_key(connection, tmp_path)
    (tmp_path / "secret").write_text(OTHER)
    connection.execute("delete from ledger.secret")
    keep_keys(connection, tmp_path)
    assert (identity_key(connection, OTHER), kept_evidence_key(connection, tmp_path)) == (key, evidence)
    assert masked("ana", OTHER) != masked("ana", SECRET)
    connection.close()


@pytest.mark.parametrize("method", ["hmac-sha256", "nested-sha256"])
def test_a_key_is_hashed_the_same_here_and_in_duckdb(method: str) -> None:
    key = KeyedHash(method, SECRET)  # type: ignore[arg-type]
    parameters = Parameters()
    sql = f"select {key.sql('x', parameters.bind)} from (values ('ana@example.com'), ('Núñez'), ('')) as t(x)"
    found = [row[0] for row in duckdb.connect().execute(sql, parameters.used_in(sql)).fetchall()]
    assert found == [key.of(value) for value in ("ana@example.com", "Núñez", "")]


def test_the_hash_of_new_warehouses_is_hmac_sha256_itself() -> None:
    digest = hmac.new(bytes.fromhex(SECRET), b"ana@example.com", "sha256").hexdigest()
    assert KeyedHash("hmac-sha256", SECRET).of("ana@example.com") == f"p_{digest[:24]}"


@pytest.mark.parametrize("is_masked", [True, False])
def test_the_setting_alone_decides_whether_a_personal_column_is_masked(shop: Company, is_masked: bool) -> None:
    from clientela.publish import Readers, _Files

    connection = duckdb.connect()
    connection.execute(f"attach '{shop.folder / 'out.duckdb'}' as publishing; create schema c")
    connection.execute("create table c.t as select 'ana@example.com' as email")
    mart = Mart("c", "t", "", {"email": ("", True)})
    _Files(connection, shop.config, [mart], "", has_copies=False)._create(mart, "publishing", Readers(is_masked))
    ((shown,),) = connection.execute("select email from publishing.c.t").fetchall()
    assert shown == (masked("ana@example.com", "") if is_masked else "ana@example.com")


def test_a_shape_says_what_a_value_looks_like_and_is_the_same_in_duckdb() -> None:
    values = {
        "ana@b.es 12": "aaa@a.aa 99",
        "Núñez": "Aaaaa",
        "1.234,5": "9.999,9",
        "\t日": "?a",
        "x" * 99: "a" * 60 + "…",
    }
    for value, wanted in values.items():
        assert shape(value) == wanted
        assert duckdb.connect().execute(f"select {shape_sql('$v')}", {"v": value}).fetchall() == [(wanted,)]


@pytest.mark.parametrize(
    "said",
    [
        "Conversion Error: Could not convert string 'ana@example.com' to INT32",
        'invalid input syntax for type integer: "ana@example.com"',
        "Key (email)=(ana@example.com) already exists",
        "ana@example.com is out of range",
        "value +34 612 345 678 is out of range",
    ],
)
def test_a_database_is_quoted_without_the_values_that_it_quotes(said: str) -> None:
    masked = without_values(said)
    assert "ana" not in masked and "612" not in masked and len(masked) > 10


@pytest.mark.parametrize("broken", [OTHER, "", None])
def test_no_command_goes_on_without_the_warehouses_own_secret(running: Company, broken: str | None) -> None:
    published = (running.config.published / "marts.duckdb").stat().st_ino
    if broken is None:
        (running.config.data / "secret").unlink()
    else:
        running.write("data/secret", broken)
    config = running.config
    commands: list[Callable[[], object]] = [
        running.night,
        lambda: run_as_of(config, date(2026, 1, 20)),
        lambda: publish_again(config),
        lambda: reload(config, "till"),
        lambda: unload(config, 1),
        lambda: preview(config, config.identity),
        lambda: retrain(config, accept=False),
        lambda: retrain(config, accept=True),
        lambda: examine(config),
    ]
    for command in commands:
        try:
            report = command()
            assert isinstance(report, Report) and report.exit_code == 2
            sentence = report.message
        except ConfigError as stopped:
            sentence = stopped.sentence
        assert str(config.data / "secret") in sentence and "backup" in sentence
    assert (config.data / "secret").exists() == (broken is not None), "none is made anew"
    assert (running.config.published / "marts.duckdb").stat().st_ino == published


def test_a_database_is_quoted_with_the_words_of_the_configuration() -> None:
    said = 'relation "people" does not exist near "Ana"'
    assert without_values(said, {"people"}.__contains__) == 'relation "people" does not exist near "…"'
