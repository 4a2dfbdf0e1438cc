"""A column that is mapped later: records that their source has not changed since say it all the same."""

from pathlib import Path

import yaml

from tests.unit.load.loading import Loading

PEOPLE = 12
HEADER = "id,name,mail,town,changed\n"


def _rows(first: int = 0, town: str = "Leon") -> str:
    return HEADER + "".join(
        f"{n},Ana {n},a{n}@x.example,{town},2026-01-05 10:00:00\n" for n in range(first, first + PEOPLE)
    )


def _company(folder: Path) -> Loading:
    feed = {"files": "people*.csv", "key": "id", "columns": {"full_name": "name", "updated_at": "changed"}}
    return Loading(folder, {"crm": {"entities": {"customers": feed}}})


def _map(company: Loading, **columns: str) -> None:
    path = company.folder / "clientela.yml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["sources"]["crm"]["entities"]["customers"]["columns"].update(columns)
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")


def test_the_next_delivery_gives_what_is_mapped_later_to_every_record(tmp_path: Path) -> None:
    company = _company(tmp_path)
    company.write("people_1.csv", _rows())
    company.load()
    _map(company, email="mail")
    company.write("people_2.csv", _rows() + f"{PEOPLE},Eva,eva@x.example,Leon,2026-01-06 10:00:00\n")
    outcome = company.load()["customers"]
    assert (outcome.loaded, outcome.unchanged, outcome.quarantined) == (PEOPLE + 1, 0, 0)
    assert company.current("customers", "count(*), count(email)") == [(PEOPLE + 1, PEOPLE + 1)]
    _map(company, city="town")
    company.write("people_3.csv", _rows() + "98,Luz,luz@x.example,Leon,2026-01-06 10:00:00\n")
    assert company.load()["customers"].loaded == PEOPLE + 1
    assert company.current("customers", "count(city), count(email)") == [(PEOPLE + 1, PEOPLE + 2)]
    # what the source dates is as it was, and the same again says nothing new
    assert company.rows("select distinct version_at::date::varchar from raw.customers order by 1") == [
        ("2026-01-05",), ("2026-01-06",)
    ]  # fmt: skip
    company.write("people_4.csv", _rows() + "99,Gil,gil@x.example,Leon,2026-01-07 10:00:00\n")
    outcome = company.load()["customers"]
    assert (outcome.loaded, outcome.unchanged) == (1, PEOPLE)


def test_what_the_source_changed_later_counts_whatever_was_mapped_when(tmp_path: Path) -> None:
    company = _company(tmp_path)
    company.write("people_2.csv", _rows().replace("Ana", "Eva").replace("2026-01-05", "2026-02-05"))
    company.load()
    _map(company, email="mail")
    company.write("people_1.csv", _rows())
    company.load()
    assert company.current("customers", "count(*) filter (full_name like 'Eva%'), count(email)") == [(PEOPLE, 0)]
