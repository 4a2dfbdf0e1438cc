"""The week's list for a manager: what is to be done with the customers of a portfolio, written to a file for its hands.

Belongs here: which rows are written at this instant, and where. Does not belong here: what is to be done, which
`customer_actions` says, and who may be contacted (`clientela.pipeline.permission_now`).
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from clientela import durable
from clientela.config.company import Config
from clientela.errors import ConfigError
from clientela.file_modes import closed
from clientela.pipeline.built_warehouse import built_warehouse
from clientela.pipeline.permission_now import NEVER_ASKED, permissions_now
from clientela.pipeline.quiet_hours_now import quiet_now
from clientela.warehouse import audit
from clientela.warehouse.lock import hold_lock
from clientela.wording import did_you_mean

FOLDER = "actions"
QUIET = "quiet hours"
COLUMNS = (
    "rank_in_portfolio", "customer_id", "action", "action_reason", "channel", "full_name", "company_name", "phone", "email",
    "contact_minutes", "expected_gain",
)  # fmt: skip


@dataclass(frozen=True)
class ActionList:
    """Where it was written, how many rows, and why so many others of the week were left out."""

    path: Path
    rows: int
    left_out: dict[str, int]


def export_actions(config: Config, portfolio: str, now: datetime | None = None) -> ActionList:
    """Write the week's list of a portfolio, without whom nobody may contact at this instant.

    Raises ConfigError for a portfolio that there is not.
    """
    moment = now or datetime.now(config.zone)
    with closed(config), hold_lock(config.data, "List of actions"), built_warehouse(config) as connection:
        names = [name for (name,) in connection.execute("select portfolio from relationship.portfolio_load").fetchall()]
        if portfolio not in names:
            hint = did_you_mean(portfolio, names, is_quoted=False) or "."
            raise ConfigError(f"There is no portfolio {portfolio!r} in the reference table portfolios{hint}")
        week = connection.sql(
            f"""
            select purpose, {", ".join(COLUMNS)}
            from relationship.customer_actions
            inner join relationship.portfolio_assignments as assigned using (customer_id)
            left join intermediate.int_golden_records_chosen as golden using (customer_id)
            where assigned.portfolio = ? and is_this_week
            order by rank_in_portfolio
            """,
            params=[portfolio],
        ).pl()
        quiet = [channel for channel in week["channel"].unique().to_list() if quiet_now(config, channel, moment)]
        judged = [
            permissions_now(connection, config, purpose, moment).with_columns(purpose=pl.lit(purpose), is_judged=True)
            for purpose in week["purpose"].unique().to_list()
        ]
        keys = ["purpose", "customer_id", "channel"]
        none = (
            week.select(keys).clear().with_columns(reason=pl.lit(None, pl.String), is_judged=pl.lit(None, pl.Boolean))
        )
        answered = week.join(
            pl.concat([none, *judged], how="diagonal"), on=keys, how="left", maintain_order="left"
        ).with_columns(
            reason=pl.when(pl.col("channel").is_in(quiet))
            .then(pl.lit(QUIET))
            .when(pl.col("is_judged").is_null())
            .then(pl.lit(NEVER_ASKED))
            .otherwise("reason")
        )
        rows = answered.filter(pl.col("reason").is_null()).select(COLUMNS)
        left_out = answered.drop_nulls("reason")["reason"].value_counts().sort("reason")
        path = config.data / FOLDER / f"{_file_name(portfolio)}_{moment.astimezone(config.zone):%Y-%m-%d}.csv"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        durable.write(path, rows.write_csv().encode())
        audit.leave(config, "export", f"{rows.height} actions to {path}")
    return ActionList(path, rows.height, dict(left_out.iter_rows()))


def _file_name(portfolio: str) -> str:
    """The portfolio's name as a file may bear it; of names that differ no two are the same."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", portfolio)
    return plain if plain == portfolio else f"{plain}_{hashlib.sha256(portfolio.encode()).hexdigest()[:8]}"
