"""Which of the files that lie there are new to their feed, and which of them are loaded together."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from clientela.extract.feed import Feed
from clientela.extract.file_date import file_date
from clientela.extract.inbox import InboxFile, opened
from clientela.load import landing
from clientela.load.context import LoadContext
from clientela.load.landing import DeliveredFile
from clientela.load.ledger import first_landings


def landing_folder(feed: Feed) -> Path:
    """Where the feed's delivered files are kept. Those of guests are those of the feed that describes them."""
    return feed.config.data / "landing" / feed.source_name / (feed.guests_of or feed.name)


def new_files(context: LoadContext, found: Sequence[InboxFile]) -> list[DeliveredFile]:
    """Those of the found files whose content no loaded batch of the feed holds, copied into the landing folder.

    A file is what its bytes are, whatever its name. It is new all the same where it says again what was said before
    something else: of another day, or under a name that has held another content since.
    """
    connection, feed = context.connection, context.feed
    held = connection.execute(
        """
        select file_name, content_sha256, version_at from ledger.load_files join ledger.loads using (batch_id)
        where loads.source = ? and loads.feed = ? and loads.status in ('loaded', 'unloaded')
        order by batch_id, sequence
        """,
        context.feed_key,
    ).fetchall()
    contents = {content for _, content, _ in held}
    last_of = {name: content for name, content, _ in held}
    dated = {(content, version_at) for _, content, version_at in held if version_at is not None}

    def is_held(path: Path, content: str) -> bool:
        if content not in contents:
            return False
        if dated and (day := file_date(feed, path.name)) is not None:
            return (content, day) in dated
        return bool(last_of.get(path.name, content) == content)

    folder = landing_folder(feed)
    firsts = first_landings(context)
    new: dict[tuple[str, datetime | None], DeliveredFile] = {}
    for delivered in found:
        path = delivered.path
        known = landing.known_content(connection, delivered)
        if known is not None and is_held(path, known):
            continue
        with opened(delivered) as source:
            if known is None:
                stat = os.fstat(source.fileno())
                known = hashlib.file_digest(source, "sha256").hexdigest()
                landing.remember_content(connection, path, stat, known)
                if is_held(path, known):
                    continue
            landed = folder / f"{known[:16]}-{path.name}"
            if landed.is_file():
                file = DeliveredFile(path, path.name, known, landed.stat().st_size, landed)
                first = firsts.get(known) or landing.stamped(landed)
            else:
                file = landing.land(source, path, folder)
                first = firsts.get(file.content_sha256, context.now)
                landing.stamp(file.landed, first)
        file = replace(file, landed_at=first)
        new.setdefault((file.content_sha256, file_date(feed, file.name)), file)
    return list(new.values())


def batches(feed: Feed, files: list[DeliveredFile]) -> list[list[DeliveredFile]]:
    """What is gated and loaded together: all new files of a feed, or of one day for dated snapshots."""
    if not files:
        return []
    if feed.settings.delivery != "snapshot":
        return [files]
    by_date: dict[datetime | None, list[DeliveredFile]] = {}
    for file in files:
        by_date.setdefault(file_date(feed, file.name), []).append(file)
    return [by_date[day] for day in sorted(by_date, key=lambda day: (day is not None, day))]
