"""Commands about audiences: `audience preview`, `audience write`."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from clientela.cli.options import config_option, json_option
from clientela.config.read import load_config
from clientela.wording import counted

_KEY = click.option(
    "--campaign", "campaign_key", metavar="KEY", help="The campaign's key; the audience's name where not given."
)


@click.group()
def audience() -> None:
    """Cut a campaign to measure: whom it is for, who may be contacted, and a file of exactly what is needed."""


@audience.command()
@config_option
@json_option
@_KEY
@click.option("--effect", type=float, help="Contribution per customer that it is to add: how many would show that?")
@click.argument("name")
def preview(config_path: Path, as_json: bool, campaign_key: str | None, effect: float | None, name: str) -> None:
    """Say who is in the audience NAME now: how many, who cannot be reached and why, cost, and what so many can show.

    NAME is one of `audiences` in clientela.yml. Nothing is written.

    \b
    Examples:
      clientela audience preview quiet_regulars
      clientela audience preview quiet_regulars --effect 1.50
    """
    from clientela.pipeline.audience import preview_audience

    found = preview_audience(load_config(config_path), name, effect, campaign_key)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2, default=str))
        return
    left_out = sum(found.not_contactable.values())
    sentences = [
        f"The rule speaks of {counted(found.customers, 'customer')}; {found.customers - left_out:,} may be contacted."
    ]
    sentences += [f"  {counted(count, 'customer')}: {reason}" for reason, count in found.not_contactable.items()]
    reached = ", ".join(f"{channel} {count:,}" for channel, count in found.contactable_by.items())
    sentences.append(f"By channel could be reached: {reached or 'nobody'}.")
    sentences.append(
        f"{counted(found.members, 'customer')} in the audience, {found.held_out_share:.0%} of them held out; "
        f"{found.expected_value:,.2f} is expected of them, {found.value_at_risk:,.2f} of that at risk."
    )
    sentences.append(
        "What it costs is not given." if found.cost is None else f"Contacting the others costs {found.cost:,.2f}."
    )
    size = found.size
    if size is None:
        sentences.append("Nobody is held out, so nobody can tell later what it changed.")
    elif size.detectable is None or not found.buyer_share:
        sentences.append("Nothing follows from what they bought on what they would show.")
    else:
        sentences.append(
            f"Four in five such campaigns show a difference of {size.detectable:,.2f} of {found.measure} per customer; "
            "a smaller one may stay unseen."
        )
        if size.customers_needed is not None:
            sentences.append(
                f"To see {effect:,.2f} per customer it takes {counted(size.customers_needed, 'customer')}."
            )
    if found.written_at:
        sentences.append(
            f"It was written out for this campaign on {found.written_at:%Y-%m-%d %H:%M} and will not be again."
        )
    click.echo("\n".join(sentences))


@audience.command()
@config_option
@json_option
@_KEY
@click.argument("name")
def write(config_path: Path, as_json: bool, campaign_key: str | None, name: str) -> None:
    """Write the audience NAME out for a campaign, once: those drawn to be contacted, with exactly the columns asked for.

    Permission, frequency and quiet hours are looked at again at this instant. Who was written out is remembered, and stands in
    relationship.campaign_contacts from the next run on, with those held out; asked again, nothing is written. The file lies in
    the folder `audiences` of the data folder and goes nowhere by itself; with `database` the rows go into a table instead.

    \b
    Examples:
      clientela audience write quiet_regulars
      clientela audience write quiet_regulars --campaign QUIET-2026-03
    """
    from clientela.pipeline.audience import write_audience

    written = write_audience(load_config(config_path), name, campaign_key)
    if as_json:
        click.echo(json.dumps(asdict(written), indent=2, default=str))
    elif written.was_written:
        click.echo(
            f"The campaign {written.campaign_key} was written out on {written.written_at:%Y-%m-%d %H:%M}; nothing was written. "
            "--campaign names another."
        )
    else:
        click.echo(
            f"{written.path or written.table}: {counted(written.chosen, 'customer')} to be contacted; "
            f"{counted(written.held_out, 'customer')} held out stay as they are. Campaign {written.campaign_key}."
        )
