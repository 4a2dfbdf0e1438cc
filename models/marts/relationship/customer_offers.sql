with

settings as (

    select * from {{ source('run', 'offer_settings') }}

),

proposed as (

    select * from {{ ref('int_offers_proposed') }}
    where row_type = 'offer'

),

texts as (

    select * from {{ ref('int_texts') }}
    where area = 'offers'

),

-- Who has an open complaint is offered nothing; one that nobody closed is not held against them for longer than a year.
open_complaints as (

    select distinct customer_id
    from {{ ref('int_interactions_identified') }}
    where kind = 'complaint' and resolved_on is null and {{ days_from('opened_on', as_of()) }} < 365

),

permitted as (

    select
        permissions.customer_id,
        permissions.channel
    from {{ ref('contact_permissions') }} as permissions
    inner join settings on permissions.purpose = settings.purpose
    where
        permissions.is_contactable
        and permissions.customer_id not in (select open_complaints.customer_id from open_complaints)

),

channels as (

    select distinct channel from permitted

),

-- What one proposal costs.
channel_costs as (

    {{ rates_by_channel('channels', 'proposal') }}

),

channels_ranked as (

    select
        proposed.*,
        permitted.channel,
        cast(coalesce(channel_costs.cost_per_contact, 0) as double) as contact_cost,
        row_number() over (
            partition by proposed.customer_id, proposed.offer, proposed.item_level, proposed.item
            order by coalesce(channel_costs.cost_per_contact, 0) asc nulls last, permitted.channel asc nulls last
        ) as channel_sequence
    from proposed
    inner join permitted
        on
            proposed.customer_id = permitted.customer_id
            and coalesce(proposed.offered_channel = permitted.channel, true)
    left join channel_costs on permitted.channel = channel_costs.channel

),

-- The cheapest of the channels that the offer is made by and the customer may be contacted by.
by_channel as (

    select * from channels_ranked
    where channel_sequence = 1

),

valued as (

    select
        *,
        round(probability * contribution_if_taken - contact_cost, 4) as expected_contribution
    from by_channel

),

offers_of_items as (

    select
        *,
        row_number() over (
            partition by customer_id, item_level, item
            order by expected_contribution desc nulls last, offer asc nulls last
        ) as offer_sequence
    from valued
    where expected_contribution > 0

),

-- One offer of an item, the best.
best_of_item as (

    select * from offers_of_items
    where offer_sequence = 1

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by
                expected_contribution desc nulls last,
                probability desc nulls last,
                offer asc nulls last,
                item_level asc nulls last,
                item asc nulls last
        ) as offer_rank
    from best_of_item

),

worded as (

    select
        ranked.*,
        sentences.text as sentence,
        months.text as month_text,
        concat(cast(cast(round(100 * ranked.followers_share) as int) as string), ' %') as share_text
    from ranked
    cross join settings
    left join texts as sentences on ranked.reason_kind = sentences.text_key
    left join texts as months on concat('month_', extract(month from ranked.last_bought_on)) = months.text_key
    where ranked.offer_rank <= settings.max_per_customer

),

customer_offers as (

    select
        ---------- ids
        customer_id,
        offer,

        ---------- what it is, and how
        kind,
        item,
        item_level,
        channel,
        item_before,
        replace(replace(replace(replace(replace(replace(
            sentence, '{count}', coalesce(cast(purchase_days as string), '')
        ), '{month}', coalesce(month_text, '')), '{share}', coalesce(share_text, '')), '{days}', cast(
            coalesce(gap_days, horizon_days) as string
        )), '{before}', coalesce(item_before, '')), '{item}', item) as reason,

        ---------- numbers
        cast(offer_rank as int) as offer_rank,
        cast(purchase_days as int) as item_purchase_days,
        cast(horizon_days as int) as horizon_days,
        probability,
        followers_share,

        ---------- amounts, company currency
        contribution_if_taken,
        contact_cost,
        expected_contribution,

        ---------- dates
        last_bought_on,
        due_on as next_due_on,
        valid_until

    from worded

)

select * from customer_offers
