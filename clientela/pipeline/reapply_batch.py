"""Taking an unload back: a batch that was unloaded is loaded again."""

from datetime import datetime

from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.pipeline.changed_batches import Change, change_batches, loaded_batches, no_batch_sentence
from clientela.pipeline.open_run import open_run
from clientela.pipeline.progress import Watcher, silent


def reapply(config: Config, batch_id: int, watch: Watcher = silent, now: datetime | None = None) -> Change:
    """Load an unloaded batch again, from its kept files and in its old sequence, under the present mapping.

    Raises ClientelaError if it was not unloaded, or other batches have taken its place since.
    """
    with open_run(config, "reapply", watch, now) as run:
        wanted = [batch for batch in loaded_batches(run.connection, "unloaded") if batch.batch_id == batch_id]
        if not wanted:
            raise ClientelaError(no_batch_sentence(run.connection, batch_id, "unloaded"))
        active = [
            b for b in loaded_batches(run.connection) if (b.feed, b.sequence) == (wanted[0].feed, wanted[0].sequence)
        ]
        if active:
            raise ClientelaError(
                f"Batch {active[0].batch_id} holds what batch {batch_id} held; there is nothing to reapply."
            )
        return change_batches(run, [], wanted)
