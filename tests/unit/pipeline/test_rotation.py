"""Rotating the secret: all of it or nothing, wherever it is broken off; ids and hashed keys stay."""

import shutil
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from clientela import durable
from clientela.errors import ClientelaError
from clientela.identity.model import Model, hashed
from clientela.masking import NEXT_SECRET_FILE, check_value, evidence_key
from clientela.pipeline.open_run import open_run
from clientela.pipeline.rotation import rotate_secret
from clientela.warehouse import keys
from tests.conftest import NOW, Company, open_shop
from tests.unit.pipeline.test_rebuild import held, load

NAMES = {"given": "ana", "family": "gil ruiz", "family_first": "gil"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = open_shop(tmp_path_factory.mktemp("shop"))
    load(shop)
    with open_run(shop.config, "train", now=NOW + timedelta(days=1)) as run:
        key = keys.kept_evidence_key(run.connection, shop.config.data)
        frequencies = {field: {hashed([name], key)[0]: 0.25, "gone": 0.5} for field, name in NAMES.items()}
        model = Model({"comparisons": []}, frequencies, {}, 0.01, 3, is_trained=False, are_homes_shared=True)
        run.connection.execute(
            "insert into memory.identity_models values (?, ?, 3, false, 'few', 'first', now())",
            [model.id, model.to_json()],
        )
        run.connection.execute("insert into identity.nodes (node, given, family) values (1, 'ana', 'gil ruiz')")
        run.connection.execute("insert into memory.customer_registry values (7, 42, 'first', 1, now())")
    return shop.folder


@pytest.fixture
def kept(tmp_path: Path, made: Path) -> Company:
    shutil.copytree(made, tmp_path / "shop")
    return Company(tmp_path / "shop")


def secret(shop: Company) -> str:
    return (shop.config.data / "secret").read_text(encoding="ascii")


def model_of(shop: Company) -> Model:
    ((text,),) = shop.warehouse("select model from memory.identity_models")
    return Model.from_json(text)


def test_masks_and_evidence_get_a_new_key_and_ids_stay(kept: Company) -> None:
    before, old = held(kept), secret(kept)
    rotated = rotate_secret(kept.config)
    assert "joins by them with older extracts end" in rotated.sentence and not rotated.was_lost
    new = secret(kept)
    assert new != old and stat.S_IMODE((kept.config.data / "secret").stat().st_mode) == 0o600
    assert kept.warehouse("select check_value from ledger.secret") == [(check_value(new),)]
    after = held(kept)
    for query, rows in before.items():
        if "raw." in query or "registry" in query:
            assert after[query] == rows, query
    found = dict(kept.warehouse("select name, key from memory.keys"))
    assert found["evidence"] == evidence_key(new)
    assert found["identity"] == {row[0]: row[2] for row in before["from memory.keys"]}["identity"]
    renewed = model_of(kept)
    for field, name in NAMES.items():
        assert renewed.term_frequencies[field] == {hashed([name], found["evidence"])[0]: 0.25}
    assert kept.warehouse("from run.built_state") == []
    load(kept, 2)


@pytest.mark.parametrize("place", ["before the warehouse knows", "before the file has its name"])
def test_a_rotation_that_is_cut_off_is_dropped_or_ended(
    kept: Company, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    old = secret(kept)

    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        if place == "before the warehouse knows":
            patch.setattr("clientela.pipeline.rotation._rehash_models", killed)
        else:
            patch.setattr(
                durable, "switch_in", lambda aside, path: killed() if path.name == "secret" else aside.replace(path)
            )
        rotate_secret(kept.config)
    assert (kept.config.data / NEXT_SECRET_FILE).is_file() and secret(kept) == old
    load(kept, 2)
    assert not (kept.config.data / NEXT_SECRET_FILE).exists()
    assert (secret(kept) == old) == (place == "before the warehouse knows")
    assert kept.warehouse("select check_value from ledger.secret") == [(check_value(secret(kept)),)]


def test_a_lost_secret_is_replaced_and_another_ones_is_not(kept: Company) -> None:
    before = held(kept)
    (kept.config.data / "secret").unlink()
    with pytest.raises(ClientelaError, match="rotate-secret"):
        load(kept, 2)
    assert rotate_secret(kept.config).was_lost
    load(kept, 2)
    assert held(kept)["from memory.customer_registry"] == before["from memory.customer_registry"]
    kept.write("data/secret", "7" * 64)
    with pytest.raises(ClientelaError, match="is not the secret"):
        rotate_secret(kept.config)
