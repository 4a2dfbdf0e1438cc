"""The validation report of one batch: what arrived, what was refused and why, on one self-contained HTML file.

Nothing of it is fetched; personal values are masked. What it says comes from the outcome and the ledger.
"""

from pathlib import Path

from jinja2 import Environment

from clientela.extract.feed import Feed
from clientela.load.context import LoadContext
from clientela.load.gate.validate import Check
from clientela.load.outcome import Outcome
from clientela.masking import masked, shape
from clientela.wording import counted

#: quarantined rows that a report repeats; all of them are in operations.quarantined_rows
ROWS = 100

_TEMPLATE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{{ o.source }}.{{ o.feed }} · batch {{ o.batch_id }}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1c2430; background: #fff; }
h1 { font-size: 1.4rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
p.verdict { padding: .6rem 1rem; border-left: .4rem solid; }
p.loaded { border-color: #23784a; background: #edf7f1; } p.refused { border-color: #a3282c; background: #fbeeee; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #d9dee5; vertical-align: top; overflow-wrap: anywhere; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.met { color: #23784a; } .warning { color: #8a5a00; } .critical { color: #a3282c; font-weight: 600; } .quiet { color: #5a6675; }
@media (prefers-color-scheme: dark) { body { color: #e6eaef; background: #12171e; } p.loaded { background: #16281e; } p.refused { background: #2e1719; } th, td { border-color: #343e4b; } .met { color: #7fd0a1; } .warning { color: #f0a35e; } .critical { color: #f1989b; } .quiet { color: #a3aebb; } }
</style>
</head>
<body>
<h1>{{ o.source }}.{{ o.feed }}</h1>
<p class="quiet">{{ company }} · batch {{ o.batch_id }} · {{ now }}</p>
<p class="verdict {{ o.status }}">
{% if o.status == "loaded" %}
<strong>Loaded.</strong> {{ delivered }} delivered = {{ "{:,}".format(o.loaded) }} loaded + {{ "{:,}".format(o.unchanged) }} unchanged + {{ "{:,}".format(o.quarantined) }} quarantined + {{ "{:,}".format(o.left_out) }} left out{% if o.deleted %}; {{ "{:,}".format(o.deleted) }} vanished{% endif %}.
{% if warnings %}
<br><span class="warning">With {{ counted(warnings|length, "warning") }}:</span> {% for w in warnings %}{{ w.expect.description }} Found: {{ w.observed }}.{% if not loop.last %} {% endif %}{% endfor %}
{% endif %}
{% else %}
<strong>Refused; what was loaded before stays as it was.</strong> {{ o.reason }}
{% endif %}
</p>
<h2>What arrived</h2>
<ul>{% for name in o.files %}<li>{{ name }}</li>{% endfor %}</ul>
{% if o.new_columns %}<p>New columns, ignored until they are mapped: {{ o.new_columns|join(", ") }}.</p>{% endif %}
{% if checks %}
<h2>What was expected of it</h2>
<table>
<tr><th>Expectation</th><th>Verdict</th><th>Found</th><th>Rows that are not so</th></tr>
{% for c in checks %}
<tr><td>{{ c.description }}<br><span class="quiet">{{ c.name }}</span></td><td class="{{ c.verdict }}">{{ c.result }}</td><td>{{ c.observed }}</td><td>{% for offender in c.offenders %}{{ offender }}{% if not loop.last %}<br>{% endif %}{% endfor %}</td></tr>
{% endfor %}
</table>
{% if not_asked %}<p class="quiet">Not asked: the batch holds nothing that it could be asked of, or nothing to compare it with.</p>{% endif %}
{% endif %}
{% if rows %}
<h2>What is in quarantine</h2>
{% if o.quarantined > rows|length %}<p class="quiet">The first {{ rows|length }}; all of them are in operations.quarantined_rows.</p>{% endif %}
<p class="quiet">Values are masked, since any may be personal. They look so: 9 is for a digit, a and A for letters.</p>
<table>
<tr><th>File</th><th class="number">Row</th><th>Field</th><th>Value</th><th>Looks like</th><th>Why</th></tr>
{% for file, row, field, value, shape, reason in rows %}
<tr><td>{{ file }}</td><td class="number">{{ "{:,}".format(row) if row is not none }}</td><td>{{ field or "" }}</td><td>{{ value if value is not none }}</td><td>{{ shape or "" }}</td><td>{{ reason }}</td></tr>
{% endfor %}
</table>
{% endif %}
</body>
</html>
""")


def shown_examples(feed: Feed, check: Check) -> list[str]:
    """Examples of values that fail an expectation, for everyone to see: masked, and what they look like."""
    if check.expect.column in feed.settings.not_personal:
        return list(check.examples)
    return [f"{masked(example, feed.secret)} ({shape(example)})" for example in check.examples]


def _shown_offenders(feed: Feed, check: Check) -> list[str]:
    """The first rows that are not as expected, for everyone to see: where each stands and, masked, what it holds."""
    is_shown = check.expect.column in feed.settings.not_personal
    lines = []
    for file, row, value in check.offenders:
        place = file if row is None else f"{file}, row {row:,}"
        if value is None:
            lines.append(f"{place}: empty")
        else:
            lines.append(f"{place}: {value if is_shown else f'{masked(value, feed.secret)} ({shape(value)})'}")
    return lines


def write_validation_report(path: Path, context: LoadContext, outcome: Outcome) -> None:
    """Write the report of a batch whose quarantined rows are in the ledger."""
    feed = context.feed
    checks = [
        {
            "name": c.expect.name,
            "description": c.expect.description,
            "verdict": ("met" if c.is_asked else "quiet") if c.is_met else c.expect.severity,
            "result": ("met" if c.is_asked else "not asked") if c.is_met else f"not met ({c.expect.severity})",
            "observed": c.observed,
            "offenders": _shown_offenders(feed, c),
        }
        for c in outcome.checks
    ]
    rows = context.connection.execute(
        """
        select source_file, source_row, field, value, personal_value, shape, reason from ledger.quarantined_rows
        where batch_id = ? order by source_file, source_row nulls last, field nulls first limit ?
        """,
        [outcome.batch_id, ROWS],
    ).fetchall()
    shown_rows = [
        (file, row, field, value if personal is None else masked(personal, feed.secret), shape, reason)
        for file, row, field, value, personal, shape, reason in rows
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    moment = context.now.astimezone(feed.config.zone).strftime("%Y-%m-%d %H:%M %Z")
    path.write_text(
        _TEMPLATE.render(
            o=outcome,
            company=feed.config.company,
            now=moment,
            checks=checks,
            rows=shown_rows,
            delivered=counted(outcome.delivered, "row"),
            warnings=outcome.warnings,
            counted=counted,
            not_asked=any(c.is_met and not c.is_asked for c in outcome.checks),
        ),
        encoding="utf-8",
    )
