"""Taking a batch back: it is unloaded, and the marts are as if it had never been loaded. Nothing is deleted."""

from datetime import datetime

from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.pipeline.changed_batches import Change, change_batches, loaded_batches, no_batch_sentence
from clientela.pipeline.open_run import open_run
from clientela.pipeline.progress import Watcher, silent


def unload(config: Config, batch_id: int, watch: Watcher = silent, now: datetime | None = None) -> Change:
    """Unload one loaded batch. Later batches that depend on it are read again.

    Its files are not loaded again while they lie there unchanged. Raises ClientelaError if there is no such batch, or a
    file that must be read again is no longer kept.
    """
    with open_run(config, "unload", watch, now) as run:
        wanted = [batch for batch in loaded_batches(run.connection) if batch.batch_id == batch_id]
        if not wanted:
            raise ClientelaError(no_batch_sentence(run.connection, batch_id))
        return change_batches(run, wanted, [])
