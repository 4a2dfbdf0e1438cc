"""KPIs and objectives that do not compute refuse their file when it is read, in a sentence; the doctor foretells it."""

from pathlib import Path

import pytest

from clientela.config.read import load_config
from clientela.extract.feeds import feeds_of
from clientela.load import loader
from clientela.load.context import LoadContext
from clientela.load.outcome import Outcome
from clientela.onboard.doctor import foretell
from tests.unit.load.loading import NOW, Loading

KPIS = "kpi,aggregation,mart,numerator,denominator\n"
OBJECTIVES = "objective,kpi,scope,segment,target,due_on\n"
SOURCES = {
    "till": {
        "entities": {
            "transactions": {
                "files": "sales.csv", "key": "no",
                "columns": {"order_key": "no", "net_amount": "net", "ordered_at": "at"},
            }
        }
    }
}  # fmt: skip


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loading:
    monkeypatch.setattr(loader, "validate", lambda *_: [])
    made = Loading(tmp_path, SOURCES, reference_folder="reference")
    (tmp_path / "reference").mkdir()
    made.write("sales.csv", "no,net,at\n1,2.00,2026-01-05\n")
    return made


def outcomes(company: Loading) -> dict[str, Outcome]:
    """Each feed's outcome, refused or not."""
    found = {}
    for feed in feeds_of(load_config(company.folder / "clientela.yml")):
        context = LoadContext(company.connection, feed, "run", NOW)
        (found[feed.name],) = loader.load_feed(context)
    return found


@pytest.mark.parametrize(
    ("kpis", "objectives", "sentence"),
    [
        (
            "good,sum,orders,net_amount,\nbad,sum,orders,net_amont,\n", "",
            "kpis.csv, row 3: the KPI 'bad', numerator: orders has no column 'net_amont'; did you mean 'net_amount'?",
        ),
        (
            "bad,sum,orders,(select content from read_text('secret')),\n", "",
            "kpis.csv, row 2: the KPI 'bad', numerator: \"(select content from read_text('secret'))\" uses subquery, "
            "which a KPI may not.",
        ),
        (
            "", "lose fewer,churn rat,,,0.1,2026-12-31\n",
            "objectives.csv, row 2: the objective 'lose fewer': there is no KPI 'churn rat'; did you mean 'churn rate'?",
        ),
        (
            "churn rate,sum,orders,net_amount,\n", "lose fewer,churn rate,rfm_groups,Lost,0.1,2026-12-31\n",
            "objectives.csv, row 2: the objective 'lose fewer': scope is 'rfm_groups'; it is one of company, value_tier",
        ),
    ],
)  # fmt: skip
def test_a_definition_that_does_not_compute_refuses_its_file(
    company: Loading, kpis: str, objectives: str, sentence: str
) -> None:
    company.write("reference/kpis.csv", KPIS + (kpis or "good,sum,orders,net_amount,\n"))
    if objectives:
        company.write("reference/objectives.csv", OBJECTIVES + objectives)
    found = outcomes(company)
    refused = found["objectives" if objectives else "kpis"]
    assert refused.status == "refused" and refused.reason.startswith(sentence), refused.reason
    assert company.rows("select count(*) from raw.objectives") == [(0,)]
    foretold = {finding.entity: finding for finding in foretell(load_config(company.folder / "clientela.yml")).findings}
    finding = foretold["objectives" if objectives else "kpis"]
    assert finding.is_ill and sentence in finding.sentence


def test_an_objective_may_name_what_is_shipped_and_what_the_company_defines(company: Loading) -> None:
    company.write("reference/kpis.csv", KPIS + "order value,mean,orders,net_amount,\n")
    rows = "dearer,order value,channel,web,50,2026-12-31\nlose fewer,churn rate,,,0.05,2026-12-31\n"
    company.write("reference/objectives.csv", OBJECTIVES + rows)
    assert {outcome.status for outcome in outcomes(company).values()} == {"loaded"}
    # one that is gone from the file may not be named any more
    company.write("reference/kpis.csv", KPIS + "other,mean,orders,net_amount,\n")
    company.write("reference/objectives.csv", OBJECTIVES + rows.replace("50", "60"))
    later = outcomes(company)
    assert later["kpis"].status == "loaded"
    assert later["objectives"].status == "refused" and "there is no KPI 'order value'" in later["objectives"].reason
