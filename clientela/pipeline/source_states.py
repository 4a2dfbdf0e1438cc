"""The state of every source after a run: loaded, refused, never delivered, and how many days old it is."""

from collections.abc import Sequence
from datetime import datetime

import duckdb

from clientela.config.company import Config
from clientela.extract.feeds import feeds_of
from clientela.load.outcome import Outcome
from clientela.pipeline.run_summary import SourceStatus


def source_states(
    connection: duckdb.DuckDBPyConnection, config: Config, outcomes: Sequence[Outcome], now: datetime
) -> list[SourceStatus]:
    """The state of every configured feed: what this run met, else what the ledger knows."""
    last = {(outcome.source, outcome.feed): outcome for outcome in outcomes}
    known = {
        (row[0], row[1]): row
        for row in connection.execute(
            """
            select source, feed,
                coalesce(
                    max_by(status, batch_id) filter (status <> 'unloaded' and (status <> 'refused' or retired_at is null)),
                    'unloaded'
                ),
                max_by(reason, batch_id), max_by(validation_report, batch_id),
                max(last_event_on) filter (status = 'loaded'), max(loaded_at) filter (status = 'loaded')
            from ledger.loads group by source, feed
            """
        ).fetchall()
    }
    today = now.astimezone(config.zone).date()
    states = []
    for feed in feeds_of(config):
        key = feed.source_name, feed.name
        outcome = last.get(key)
        _, _, status, reason, validation_report, last_event_on, loaded_at = known.get(
            key, (*key, "never delivered", None, None, None, None)
        )
        if status != "refused":
            reason = None
        if outcome and outcome.status != "nothing new":
            status = outcome.status
        if outcome and outcome.reason:
            reason = outcome.reason
        loaded_until = last_event_on or (loaded_at.astimezone(config.zone).date() if loaded_at else None)
        states.append(
            SourceStatus(
                feed.source_name,
                feed.entity.name,
                status=status,
                reason=reason or "",
                is_required=config.is_required(*key),
                is_stale=status in ("refused", "never delivered"),
                age_days=max((today - loaded_until).days, 0) if loaded_until else None,
                validation_report=validation_report,
                feed=feed.name,
            )
        )
    return states
