"""The nightly job, and when it starts by itself.

CLIENTELA_NIGHTLY holds another cron expression; CLIENTELA_AUTOMATION=on starts schedule and sensor with the server, as the
files in `deploy/` do. Otherwise they wait until someone switches them on in the UI.
"""

import os
import re
from typing import Any

import dagster as dg

from clientela.config.company import Config

NIGHT_JOB = "night"
#: four in the morning: no zone's clocks jump over it
DEFAULT_CRON = "0 4 * * *"
CRON_VARIABLE = "CLIENTELA_NIGHTLY"
AUTOMATION_VARIABLE = "CLIENTELA_AUTOMATION"
#: deploy/dagster.yaml lets one run at a time carry this tag, so that runs queue rather than collide
WAREHOUSE_TAG = "clientela/warehouse"


def company_tags(config: Config) -> dict[str, str]:
    """The tags of every run that needs the company's lock."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", config.company).strip("-")[:63]
    # after a killed worker the whole night is run again: what it had loaded is not loaded twice
    return {WAREHOUSE_TAG: name or "company", "dagster/retry_strategy": "ALL_STEPS"}


def is_automatic() -> bool:
    """Whether schedule and sensor start with the server."""
    return os.environ.get(AUTOMATION_VARIABLE, "").lower() in ("on", "true", "1")


def night_job(config: Config, apart_from: dg.AssetsDefinition) -> Any:
    """All assets but those of past days, in one run. (What `define_asset_job` gives has no public type.)"""
    return dg.define_asset_job(
        NIGHT_JOB,
        selection=dg.AssetSelection.all() - dg.AssetSelection.assets(apart_from),
        tags=company_tags(config),
        description="Load what is new, build and test all models, publish.",
    )


def nightly(config: Config) -> dg.ScheduleDefinition:
    """Once a night, by the company's own clock."""

    @dg.schedule(
        name="nightly",
        job_name=NIGHT_JOB,
        cron_schedule=os.environ.get(CRON_VARIABLE) or DEFAULT_CRON,
        execution_timezone=config.time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING if is_automatic() else dg.DefaultScheduleStatus.STOPPED,
        description="The night, by the company's own clock; waits in the queue while another run is under way.",
    )
    def start(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(
            run_key=f"nightly-{context.scheduled_execution_time.isoformat()}", tags=company_tags(config)
        )

    return start
