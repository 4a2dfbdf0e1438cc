"""Models as SQL for DuckDB without dbt: what dbt does with `ref`, `source` and our macros, and no more.

For proofs that ask a model thousands of questions, each of which would be a run of dbt. A model reads tables by its own names:
`ref('stg_consents')` is the table `stg_consents`, `source('run', 'context')` the table `run.context`.
"""

from pathlib import Path
from typing import Any

import jinja2

ROOT = Path(__file__).parents[2]


class _Adapter:
    @staticmethod
    @jinja2.pass_context
    def dispatch(context: jinja2.runtime.Context, name: str) -> Any:
        found = [context.resolve(f"{engine}__{name}") for engine in ("duckdb", "default")]
        return next(macro for macro in found if not isinstance(macro, jinja2.Undefined))


class _Dbt:
    @staticmethod
    def datediff(first: str, second: str, part: str) -> str:
        return f"date_diff('{part}', {first}, {second})"


def rendered(model: str) -> str:
    """The SQL of a model, by its name."""
    (path,) = (ROOT / "models").rglob(f"{model}.sql")
    macros = "\n".join(macro.read_text() for macro in sorted((ROOT / "dbt" / "macros").glob("*.sql")))
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], undefined=jinja2.Undefined)
    environment.globals.update(
        {
            "ref": lambda name: name,
            "source": lambda schema, table: f"{schema}.{table}",
            "config": lambda **_: "",
            "return": lambda value: value,
            "adapter": _Adapter(),
            "dbt": _Dbt(),
            "is_incremental": lambda: False,
        }
    )
    return environment.from_string(macros + "\n" + path.read_text()).render()
