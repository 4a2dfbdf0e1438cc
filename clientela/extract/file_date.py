"""The date in a delivered file's name, and the day that the file speaks of."""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from clientela.errors import DeliveryError
from clientela.extract.feed import Feed

#: `version_by: "file_date: REGEX"`: the date in the delivered file's name
FILE_DATE = "file_date:"


def file_date(feed: Feed, name: str) -> datetime | None:
    """The date in the file's name, where versions are ordered by it."""
    declared = feed.settings.version_by or ""
    if not declared.startswith(FILE_DATE):
        return None
    pattern = declared.removeprefix(FILE_DATE).strip()
    match = re.search(pattern, name)
    digits = re.sub(r"\D", "", "".join(match.groups("") or (match[0],))) if match else ""
    for form in ("%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M"):
        try:
            return datetime.strptime(digits, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise DeliveryError(f"its name holds no date where version_by looks for it ({pattern})")


def delivered_on(feed: Feed, file_name: str, landed_at: datetime | None) -> date | None:
    """The day that the file speaks of: that in its name, or else that on which it first came, in the company's zone."""
    if (stated := file_date(feed, file_name)) is not None:
        return stated.date()
    return landed_at.astimezone(ZoneInfo(feed.config.time_zone)).date() if landed_at else None
