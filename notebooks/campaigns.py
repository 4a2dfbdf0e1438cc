"""Which campaigns and offers paid."""

import marimo

app = marimo.App(width="medium", app_title="Which campaigns and offers pay?")


@app.cell
def _():
    from clientela.query.notebook import alt, mo, published

    company = published()
    mo.md(company.heading("Which campaigns and offers pay?"))
    return alt, company, mo


@app.cell
def _(mo):
    mo.md("## How large were the campaigns, and who answered?")
    return


@app.cell
def _(company):
    campaigns = company.query(
        """
        select coalesce(result.campaign_name, result.campaign_key) as campaign, campaign.first_contacted_on,
            result.chosen, result.contacted, result.held_out, result.responses, result.buyers, result.cost_amount,
            result.incremental_contribution, result.return_on_spend, result.verdict, result.evidence, result.limitation
        from relationship.campaign_results as result join relationship.campaigns as campaign using (campaign_id)
        where result.segmentation = 'all' order by campaign.first_contacted_on nulls last, campaign
        """
    )
    company.rounded(campaigns)
    return (campaigns,)


@app.cell
def _(alt, campaigns, mo):
    mo.stop(campaigns.is_empty(), mo.md("No campaign was delivered."))
    alt.Chart(campaigns).mark_bar().encode(
        y=alt.Y("campaign:N", title="campaign", sort=None),
        x=alt.X("contacted:Q", title="customers contacted"),
        color=alt.Color("verdict:N", title="verdict"),
        tooltip=["campaign", "chosen", "contacted", "held_out", "responses", "buyers"],
    ).properties(width=520)
    return


@app.cell
def _(campaigns, company, mo):
    _judged = campaigns.filter(campaigns["evidence"] == "effect")
    mo.md(
        f"{len(campaigns)} campaigns cost {company.money(campaigns['cost_amount'].sum())}. "
        f"Of {len(_judged)} an effect can be measured against customers held out; of the others it can only be said "
        "what their customers bought, not what the campaign did."
    )
    return


@app.cell
def _(mo):
    mo.md("## Did more of those contacted buy than of those held out?")
    return


@app.cell
def _(company):
    effects = company.query(
        """
        select coalesce(campaign_name, campaign_key) as campaign, buyer_share_difference, buyer_share_low, buyer_share_high,
            comparison_customers
        from relationship.campaign_results
        where segmentation = 'all' and evidence = 'effect' and buyer_share_low is not null order by campaign
        """
    )
    return (effects,)


@app.cell
def _(alt, effects, mo):
    mo.stop(
        effects.is_empty(),
        mo.md("No campaign held customers out, so that no effect can be measured; docs/relationship.md."),
    )
    _base = alt.Chart(effects).encode(y=alt.Y("campaign:N", title="campaign"))
    (
        _base.mark_rule(strokeWidth=3).encode(
            x=alt.X(
                "buyer_share_low:Q",
                title="buyers more than among those held out, percentage of customers",
                axis=alt.Axis(format="%"),
            ),
            x2="buyer_share_high:Q",
        )
        + _base.mark_point(filled=True, size=70).encode(x="buyer_share_difference:Q")
    ).properties(width=520)
    return


@app.cell
def _(effects, mo):
    _sure = effects.filter((effects["buyer_share_low"] > 0) | (effects["buyer_share_high"] < 0))
    mo.md(f"{len(_sure)} of {len(effects)} intervals leave zero out." if len(effects) else "")
    return


@app.cell
def _(mo):
    mo.md("## Which offers are open?")
    return


@app.cell
def _(company, mo):
    offers = company.query(
        """
        select kind, offer, channel, count(*) as customers, avg(probability) as probability,
            sum(expected_contribution) as expected_contribution, any_value(reason) as reason_of_one
        from relationship.customer_offers group by all order by expected_contribution desc, kind, offer, channel limit 50
        """
    )
    mo.stop(offers.is_empty(), mo.md("No offer is open; why, the scores below say, and docs/relationship.md."))
    company.rounded(offers)
    return (offers,)


@app.cell
def _(mo):
    mo.md("## Are the offers better than favourites, and than what is popular?")
    return


@app.cell
def _(company):
    offer_scores = company.query(
        """
        select kind, candidate, customers, hit_rate, ndcg, ndcg_difference, ndcg_difference_low, mean_probability, bought_share,
            is_published, limitation
        from quality.offer_model_scores where row_type <> 'tenth' order by kind desc nulls last, is_published desc, candidate
        """
    )
    company.rounded(offer_scores)
    return (offer_scores,)


if __name__ == "__main__":
    app.run()
