"""Whether a channel rests at this instant (`permissions.quiet_hours`)."""

from datetime import datetime

from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.relationship.settings import QuietHours


def quiet_now(config: Config, channel: str, now: datetime) -> QuietHours | None:
    """The quiet hours of the channel that this instant lies in; None where it lies in none."""
    moment = now.astimezone(config.zone).time()
    return next((quiet for quiet in config.permissions.quiet_hours if quiet.covers(channel, moment)), None)


def require_no_quiet_hour(config: Config, channel: str, now: datetime) -> None:
    """Raise ClientelaError where the channel rests at this instant."""
    if quiet := quiet_now(config, channel, now):
        raise ClientelaError(
            f"It is {now.astimezone(config.zone):%H:%M} in {config.time_zone}: {channel} rests from {quiet.begins} to "
            f"{quiet.ends} (permissions.quiet_hours); nothing was written."
        )
