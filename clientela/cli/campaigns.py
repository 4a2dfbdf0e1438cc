"""Commands about campaigns: `campaign plan`."""

import csv
import json
from pathlib import Path

import click

from clientela.cli.options import config_option, json_option
from clientela.config.read import load_config
from clientela.wording import counted


@click.group()
def campaign() -> None:
    """Prepare a campaign so that what it changes can be measured."""


@campaign.command()
@config_option
@json_option
@click.argument("campaign_key")
@click.option("--rule", help="Whom it is for: a predicate as segments have; without one all current customers.")
@click.option("--held-out", default=0.2, show_default=True, help="Share of them that is not contacted, drawn by lot.")
@click.option(
    "--effect",
    type=float,
    help="Contribution per customer (net revenue without costs) that it is to add: how many customers would show that?",
)
@click.option("--accept", is_flag=True, help="Draw the lot and keep it; a campaign has one split for ever.")
@click.option(
    "--csv", "csv_path", type=click.Path(path_type=Path), help="Write customer_id and arm of a kept split there."
)
def plan(
    config_path: Path,
    as_json: bool,
    campaign_key: str,
    rule: str | None,
    held_out: float,
    effect: float | None,
    accept: bool,
    csv_path: Path | None,
) -> None:
    """Say how many customers a wanted effect takes, and hold some of them out by lot.

    CAMPAIGN_KEY is the campaign's id as its source will deliver it. Nothing is kept without --accept. Once kept, the split is in
    relationship.campaign_splits from the next run on, and judges the campaign in relationship.campaign_results.

    \b
    Examples:
      clientela campaign plan SPRING26 --rule "orders_12m >= 3" --effect 1.50
      clientela campaign plan SPRING26 --rule "orders_12m >= 3" --held-out 0.2 --accept --csv spring26.csv
    """
    from clientela.pipeline.campaign_plan import plan_campaign

    planned = plan_campaign(load_config(config_path), campaign_key, rule, held_out, effect, accept=accept)
    if csv_path and planned.arms:
        with csv_path.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerows([("customer_id", "arm"), *sorted(planned.arms.items())])
    size = planned.size
    if as_json:
        plan_as_dict = {
            "campaign_key": planned.campaign_key, "customers": size.customers, "held_out_share": size.held_out_share,
            "buyer_share": planned.buyer_share, "measure": planned.measure, "detectable": size.detectable,
            "customers_needed": size.customers_needed,
            "is_kept": bool(planned.arms), "held_out": planned.held_out,
        }  # fmt: skip
        click.echo(json.dumps(plan_as_dict, indent=2))
        return
    sentences = [
        f"{counted(size.customers, 'customer')}, of whom {planned.buyer_share:.1%} bought within a campaign's days.",
    ]
    if size.detectable is None or not planned.buyer_share:
        sentences.append("Nothing follows from that on what they would show.")
    else:
        sentences.append(
            f"With {size.held_out_share:.0%} held out, four in five such campaigns show a difference of {size.detectable:,.2f} "
            f"of {planned.measure} per customer; a smaller one may stay unseen."
        )
    if size.customers_needed is not None and planned.buyer_share:
        sentences.append(f"To see {effect:,.2f} per customer it takes {counted(size.customers_needed, 'customer')}.")
    if planned.was_kept:
        sentences.append(f"Its split was made before and stays: {counted(planned.held_out, 'customer')} held out.")
    elif planned.arms:
        sentences.append(f"Its split is kept: {counted(planned.held_out, 'customer')} held out.")
    else:
        sentences.append("Nothing was drawn; --accept draws the lot and keeps it.")
    click.echo("\n".join(sentences))
