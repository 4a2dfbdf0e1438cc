"""The same settings give the same bytes; other settings do not."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from clientela.simulate import SimulateSettings, write, write_company


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_same_seed_gives_the_same_bytes_in_every_file_the_excel_too(
    company: Path, simulate_settings: SimulateSettings, tmp_path: Path
) -> None:
    write_company(simulate_settings, tmp_path)
    again = hashes(tmp_path)
    assert again == hashes(company)
    assert any(name.endswith(".xlsx") for name in again)


def test_another_seed_gives_other_people_and_other_sales(
    company: Path, simulate_settings: SimulateSettings, tmp_path: Path
) -> None:
    write_company(replace(simulate_settings, seed=8), tmp_path)
    mine, other = hashes(company), hashes(tmp_path)
    same = {name for name in mine if mine[name] == other.get(name)}
    tables = ("cost_rates", "margin_rates", "objectives", "service_targets")
    assert same <= {"clientela.yml", *(f"reference/{table}.csv" for table in tables)}


def test_another_company_replaces_what_was_written_and_nothing_else(tmp_path: Path) -> None:
    write_company(SimulateSettings(customers=50, nights=3), tmp_path / "a")
    write_company(SimulateSettings(customers=50), tmp_path / "a")
    write_company(SimulateSettings(customers=50), tmp_path / "b")
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "thesis.txt").write_text("irreplaceable")
    with pytest.raises(FileExistsError, match="holds something else"):
        write_company(SimulateSettings(customers=50), tmp_path / "c")
    assert (tmp_path / "c" / "thesis.txt").read_text() == "irreplaceable"


def test_the_same_company_again_brings_back_what_is_missing_and_leaves_the_rest(tmp_path: Path) -> None:
    write_company(SimulateSettings(customers=50), tmp_path)
    before = hashes(tmp_path)
    settings = tmp_path / "clientela.yml"
    settings.write_text(settings.read_text() + "# mine\n")
    (tmp_path / "reference" / "mine.csv").write_text("a\n")
    shutil.rmtree(tmp_path / "till")
    write_company(SimulateSettings(customers=50), tmp_path)
    after = hashes(tmp_path)
    assert {name for name in after if after[name] != before.get(name)} == {"clientela.yml", "reference/mine.csv"}
    assert set(before) <= set(after)


def test_the_warehouse_of_one_company_is_not_given_the_files_of_another(tmp_path: Path) -> None:
    write_company(SimulateSettings(customers=50), tmp_path)
    (tmp_path / "data").mkdir()
    before = hashes(tmp_path)
    with pytest.raises(FileExistsError, match="warehouse of another simulated company"):
        write_company(SimulateSettings(customers=50, seed=2), tmp_path)
    assert hashes(tmp_path) == before


def test_what_was_interrupted_leaves_the_folder_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_company(SimulateSettings(customers=50), tmp_path)
    before = hashes(tmp_path)

    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(write, "write_truth", interrupted)
        write_company(SimulateSettings(customers=50, seed=2), tmp_path)
    assert hashes(tmp_path) == before
    # a killed one leaves its part behind
    (tmp_path / "new" / write.ASIDE / "till").mkdir(parents=True)
    write_company(SimulateSettings(customers=50), tmp_path / "new")
    assert hashes(tmp_path / "new") == before


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"customers": 0}, "at least one customer"),
        ({"dirt": 0.9}, "between 0 and 0.2"),
        ({"nights": 0}, "one delivery"),
        ({"seasonality": 2.0}, "strength between"),
        ({"process": "nbd"}, "choose one of"),
        ({"nights": 40, "night_days": 60}, "must fit"),
        ({"nights": 5000}, "has 1096 days"),
    ],
)
def test_settings_that_make_no_company_are_refused_in_a_sentence(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        SimulateSettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("customers", [1, 3])
def test_a_company_may_be_tiny(customers: int, tmp_path: Path) -> None:
    assert write_company(SimulateSettings(customers=customers, campaigns=False), tmp_path).files > 10
