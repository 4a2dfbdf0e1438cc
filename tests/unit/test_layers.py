"""The layers of the models hold: which layer reads which, who reads what identity leaves, and how long a model may be.

A model is read as text, with the macros that it calls: a `ref` or a `source` inside a macro is the model's own.
"""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from clientela.contracts import REFERENCE_TABLES

ROOT = Path(__file__).parents[2]
MODELS = sorted(path for suffix in ("sql", "py") for path in (ROOT / "models").rglob(f"*.{suffix}"))
MACROS = sorted((ROOT / "dbt" / "macros").glob("*.sql"))

#: models of the right layers read, beside sources: a mart reads what is staged of a company's reference tables, names and
#: advice that need nothing done; what is staged of deliveries names records, and a mart speaks of customers
READS = {"staging": {"seeds"}, "intermediate": {"staging", "intermediate"}, "marts": {"intermediate", "marts"}}
#: the schemas of sources that each layer reads
SOURCES = {
    "staging": {"raw", "ledger", "run"},
    "intermediate": {"ledger", "run", "memory", "identity", "forecast"},
    "marts": {"ledger", "run", "memory", "identity", "forecast"},
}
REFERENCE = {f"stg_{table.name}" for table in REFERENCE_TABLES}
#: what the ledger of value is compared with: totals of raw through no other model, or a mistake in a model that both sides
#: pass through would agree with itself
RECONCILIATION = {
    "value_reconciliation",
    "int_raw_batches_known",
    "int_raw_sales_totalled",
    "int_raw_costs_totalled",
    "int_raw_campaigns_totalled",
    "int_deliveries_accounted",
    "int_raw_order_lines",
}
#: who is who rests on evidence: the surest link of a record, and the records that had an id of an old report
EVIDENCE = {"customer_records": {"identity_links"}, "customer_ids": {"customer_record_history"}}

#: a KPI adds up the rows of a mart, so that whoever reads the mart can do it again; whether it must is asked of these
OVER_MARTS = {
    "int_kpi_customer_months", "int_kpi_campaign_contacts", "int_kpi_service_cases", "int_kpi_orders", "int_months_hashed",
}  # fmt: skip

LONGEST_MODEL = 200

_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_MACRO = re.compile(r"\{%-?\s*macro\s+(\w+)\s*\(.*?-?%\}(.*?)\{%-?\s*endmacro\s*-?%\}", re.DOTALL)
_REF = re.compile(r"\bref\(\s*['\"](\w+)['\"]")
#: a reference by a variable is one to every model that the text names
_REF_BY_VARIABLE = re.compile(r"\bref\(\s*\w+\s*\)")
_TEXT = re.compile(r"['\"](\w+)['\"]")
#: a reference whose name is put together is one to a seed, the default of a reference table
_REF_TO_DEFAULT = re.compile(r"\bref\(\s*'default_'\s*~")
_SOURCE = re.compile(r"\bsource\(\s*['\"](\w+)['\"]\s*,\s*(?:['\"](\w+)['\"])?")
_LEFT_BY = re.compile(r"left_by\(ref\('(\w+)'\), source\('(\w+)', '(\w+)'\)\)")
#: the model whose step leaves the tables of a schema
STEPS = {"identity": "int_customers_assigned", "forecast": "int_forecasts"}


@dataclass(frozen=True)
class Reads:
    """What a model reads: models and seeds by name, sources as (schema, table), the table '' where a macro is told it."""

    models: frozenset[str]
    sources: frozenset[tuple[str, str]]


@cache
def macros() -> dict[str, str]:
    """The body of each macro, by name; a macro's forms for other databases are its own."""
    bodies: dict[str, str] = {}
    for path in MACROS:
        for name, body in _MACRO.findall(_COMMENT.sub("", path.read_text())):
            bodies[name.split("__")[-1]] = bodies.get(name.split("__")[-1], "") + body
    return bodies


def with_macros(text: str) -> str:
    """The text with the bodies of all macros that it calls, directly or not."""
    seen: set[str] = set()
    waiting = [_COMMENT.sub("", text)]
    whole = ""
    while waiting:
        part = waiting.pop()
        whole += part
        called = {name for name in macros() if name not in seen and re.search(rf"\b{name}\(", part)}
        seen |= called
        waiting += [macros()[name] for name in called]
    return whole


def reads(text: str) -> Reads:
    """What a model of this text reads."""
    whole = with_macros(text)
    defaults = {"default_"} if _REF_TO_DEFAULT.search(whole) else set()
    named = {path.stem for path in MODELS} & set(_TEXT.findall(whole)) if _REF_BY_VARIABLE.search(whole) else set()
    return Reads(frozenset({*_REF.findall(whole), *defaults, *named}), frozenset(_SOURCE.findall(whole)))


def layer(model: str) -> str:
    """The layer that a model stands in; `seeds` for a default of a reference table, and for the texts."""
    if model.startswith("default_") or model == "texts":
        return "seeds"
    (path,) = [path for path in MODELS if path.stem == model]
    return path.relative_to(ROOT / "models").parts[0]


def findings(model: str, stands_in: str, text: str) -> list[str]:
    """What the model reads and may not, one phrase each."""
    read = reads(text)
    found = [
        f"{model} reads {other}, a model of {layer(other)}"
        for other in sorted(read.models)
        if layer(other) not in READS[stands_in]
        and not (stands_in == "marts" and other in REFERENCE)
        and not (model in OVER_MARTS and layer(other) == "marts")
    ]
    allowed = SOURCES[stands_in] | ({"raw"} if model in RECONCILIATION else set())
    found += [f"{model} reads {schema}.{table}" for schema, table in sorted(read.sources) if schema not in allowed]
    if stands_in == "staging" and re.search(r"\bjoin\b", _COMMENT.sub("", text)):
        found.append(f"{model} joins")
    return found


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_a_model_reads_only_the_layers_below_it(model: Path) -> None:
    assert findings(model.stem, model.relative_to(ROOT / "models").parts[0], model.read_text()) == []


def test_what_the_ledger_is_compared_with_comes_through_no_model_that_the_ledger_is_made_of() -> None:
    for model in sorted(RECONCILIATION - {"value_reconciliation"}):
        (path,) = [path for path in MODELS if path.stem == model]
        assert reads(path.read_text()).models <= RECONCILIATION, model


def test_no_mart_of_the_business_rests_on_judgement_or_operations() -> None:
    apart = {path.stem for path in MODELS if path.parent.name in ("quality", "operations")}
    assert {"value_model_scores", "retention_model_scores", "value_backtest", "identity_links"} <= apart
    for model in MODELS:
        if "marts" in model.parts and model.stem not in apart:
            assert reads(model.read_text()).models & apart == EVIDENCE.get(model.stem, set()), model.stem


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_what_a_step_leaves_is_read_where_its_model_is_named(model: Path) -> None:
    text = model.read_text()
    left = [(STEPS[schema], schema, table) for schema, table in _SOURCE.findall(text) if schema in STEPS]
    assert left == _LEFT_BY.findall(text)


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_no_reference_is_hidden_or_thrown_away(model: Path) -> None:
    text = model.read_text()
    assert "depends_on" not in text
    if model.suffix == ".py":
        statements = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Expr)]
        assert [code for code in map(ast.unparse, statements) if code.startswith(("dbt.ref(", "dbt.source("))] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_a_model_is_short_enough_to_be_one(model: Path) -> None:
    assert len(model.read_text().splitlines()) <= LONGEST_MODEL


@pytest.mark.parametrize(
    ("stands_in", "text"),
    [
        ("staging", "select * from {{ ref('stg_customers') }}"),
        ("staging", "select * from {{ source('memory', 'customer_registry') }}"),
        (
            "staging",
            "select * from {{ source('raw', 'customers') }} inner join {{ source('raw', 'orders') }} using (a)",
        ),
        ("intermediate", "select * from {{ ref('customers') }}"),
        ("intermediate", "select * from {{ source('raw', 'customers') }}"),
        ("intermediate", "{{ current_version('customers') }}"),
        ("intermediate", "def model(dbt, session):\n    return dbt.ref('customers').pl()"),
        (
            "intermediate",
            "{% for model in ['stg_customers', 'customers'] %} select * from {{ ref(model) }} {% endfor %}",
        ),
        ("marts", "select * from {{ ref('stg_customers') }}"),
        ("marts", "{{ company_rows_or_default('rfm_groups', ['rank']) }}"),
    ],
)
def test_what_reads_elsewhere_is_found(stands_in: str, text: str) -> None:
    assert findings("sample", stands_in, text)


@pytest.mark.parametrize(
    ("stands_in", "text"),
    [
        ("staging", "{{ company_rows_or_default('rfm_groups', ['rank']) }}"),
        ("intermediate", "select {{ local_date('a') }} from {{ ref('stg_customers') }} where b <= {{ as_of() }}"),
        ("marts", "select * from {{ ref('customers') }} inner join {{ ref('stg_rfm_groups') }} using (a)"),
        ("marts", "{# ref('stg_customers') #} select * from {{ ref('int_customers') }}"),
    ],
)
def test_what_reads_below_passes(stands_in: str, text: str) -> None:
    assert findings("sample", stands_in, text) == []
