"""What goes of each entity once its time is over, and what stays of it: SQL over the warehouse as it is built.

`ends` (source, entity, before) says up to when; a statement fills `going` (entity, record_id) with the records that go whole,
`totals` and `points` with what they came to by month, and `gone_campaigns` with the campaigns whose contacts go. What is done
with these tables is in `clientela.privacy.retention`, which entities there are in `clientela.config.company.EXPIRING_ENTITIES`.
"""


def _unknown_to_marts(entity: str, number: str, known: str, event_time: str) -> str:
    """The end of a statement that fills `going`, with what no mart knows: deleted, or of a batch that was unloaded.

    The names are ours: `known` is the table that has the entity's rows by their `number`.
    """
    return f"""    union
    select '{entity}', rows.record_id
    from raw.{entity} as rows
    inner join ends on rows.source = ends.source and ends.entity = '{entity}'
    where rows.record_id not in (select {number} from {known})
    group by rows.record_id
    having max(cast(timezone($zone, coalesce(rows.{event_time}, rows.loaded_at)) as date)) < any_value(ends.before);
"""


_GOING_SALES = """
    create temp table going_orders as
    select orders.order_id
    from intermediate.int_orders as orders
    inner join ends on orders.source = ends.source and ends.entity = 'transactions' and orders.last_line_on < ends.before
    where orders.order_id not in (
        select headers.record_id from raw.orders as headers
        where cast(timezone($zone, headers.ordered_at) as date) >= ends.before
    );
    insert into going
    select 'orders', order_id from going_orders
    union
    select 'transactions', order_line_id from intermediate.int_order_lines
    where order_id in (select order_id from going_orders)
    union
    -- what no mart knows: deleted, or of a batch that was unloaded
    select 'transactions', rows.record_id
    from raw.transactions as rows
    inner join ends on rows.source = ends.source and ends.entity = 'transactions'
    where rows.record_id not in (select order_line_id from intermediate.int_order_lines)
        and rows.record_id not in (select order_line_id from intermediate.int_order_lines_waiting)
    group by rows.record_id
    having max(cast(timezone($zone, coalesce(rows.ordered_at, rows.loaded_at)) as date)) < any_value(ends.before)
    union
    select 'orders', rows.record_id
    from raw.orders as rows
    inner join ends on rows.source = ends.source and ends.entity = 'transactions'
    where rows.record_id not in (select order_id from intermediate.int_orders)
        and rows.record_id not in (
            select order_id from raw.transactions
            where record_id in (select order_line_id from intermediate.int_order_lines_waiting)
        )
    group by rows.record_id
    having max(cast(timezone($zone, coalesce(rows.ordered_at, rows.loaded_at)) as date)) < any_value(ends.before);
"""

#: as intermediate.int_sales_entered enters them, by record
_SALES_TOTALLED = """
    create temp table going_lines as
    select
        lines.*, orders.customer_record_id as owner_id, cast(date_trunc('month', lines.ordered_on) as date) as month
    from intermediate.int_order_lines as lines
    inner join intermediate.int_orders as orders on lines.order_id = orders.order_id
    where lines.order_id in (select order_id from going_orders);
    create temp table goods as
    select
        source, owner_id, month, cost_rule, is_cost_assumed,
        count(*) filter (where not is_return) as sales,
        count(*) filter (where is_return) as returns,
        coalesce(sum(gross_amount) filter (where not is_return), 0) as gross_amount,
        coalesce(sum(discount_amount) filter (where not is_return), 0) as discount_amount,
        coalesce(sum(net_amount) filter (where is_return), 0) as return_amount,
        sum(shipping_amount) as shipping_amount, sum(fee_amount) as fee_amount,
        coalesce(sum(cost_amount), 0) as cost_amount, sum(net_amount) as net_amount
    from going_lines group by all;
    create temp table sums as
    select
        source, owner_id, month, sum(sales) as sales, sum(returns) as returns, sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount, sum(return_amount) as return_amount,
        sum(shipping_amount) as shipping_amount, sum(fee_amount) as fee_amount
    from goods group by all;
    insert into totals (
        source, customer_record_id, month, component, activity, rule, is_assumed, entries, amount, net_amount
    )
    select source, owner_id, month, 'revenue', '', 'sales before discounts', false, sales, gross_amount, null
    from sums where sales > 0
    union all
    select source, owner_id, month, 'discounts', '', 'discounts on sales', false, sales, -discount_amount, null
    from sums where discount_amount <> 0
    union all
    select source, owner_id, month, 'returns', '', 'goods returned', false, returns, return_amount, null
    from sums where returns > 0
    union all
    select source, owner_id, month, 'shipping', '', 'shipping charged on orders', false, sales + returns, shipping_amount, null
    from sums where shipping_amount <> 0
    union all
    select source, owner_id, month, 'fees', '', 'fees of orders', false, sales + returns, fee_amount, null
    from sums where fee_amount <> 0
    union all
    select source, owner_id, month, 'cost of goods', '', cost_rule, is_cost_assumed, sales + returns, -cost_amount, net_amount
    from goods
    union all
    select source, owner_id, month, 'offers', offer, 'unit cost of the offer used', false, count(*), -sum(unit_cost), null
    from (
        select distinct lines.order_id, lines.source, lines.owner_id, lines.month, offers.offer, offers.unit_cost
        from going_lines as lines
        inner join staging.stg_offers as offers on lines.coupon = offers.offer
        where offers.unit_cost is not null and not lines.is_return
    )
    group by all
"""

_GOING_INTERACTIONS = """
    insert into going
    select 'interactions', rows.interaction_id
    from staging.stg_interactions as rows
    inner join ends on rows.source = ends.source and ends.entity = 'interactions' and rows.opened_on < ends.before
""" + _unknown_to_marts("interactions", "interaction_id", "staging.stg_interactions", "opened_at")

#: as intermediate.int_services_entered enters them, by record
_INTERACTIONS_TOTALLED = """
    insert into totals (
        source, customer_record_id, month, component, activity, rule, is_assumed, entries, amount, net_amount
    )
    select
        priced.source, case when priced.is_priced then rows.customer_record_id end,
        cast(date_trunc('month', priced.opened_on) as date), 'cost to serve', priced.kind, priced.rule, priced.is_assumed,
        count(*), -sum(priced.cost_amount), null
    from intermediate.int_contact_costs as priced
    inner join staging.stg_interactions as rows on priced.interaction_id = rows.interaction_id
    where priced.interaction_id in (select record_id from going where entity = 'interactions')
    group by all
"""

_GOING_REWARDS = """
    insert into going
    select 'rewards', rows.reward_id
    from staging.stg_rewards as rows
    inner join ends on rows.source = ends.source and ends.entity = 'rewards' and rows.rewarded_on < ends.before
""" + _unknown_to_marts("rewards", "reward_id", "staging.stg_rewards", "rewarded_at")

#: money as intermediate.int_services_entered enters it; points so that relationship.reward_balances says what it said
_REWARDS_TOTALLED = """
    create temp table going_rewards as
    select
        *, cast(date_trunc('month', rewarded_on) as date) as month, value_amount is not null as is_valued,
        coalesce(points > 0, false) as are_points
    from staging.stg_rewards where reward_id in (select record_id from going where entity = 'rewards');
    insert into totals (
        source, customer_record_id, month, component, activity, rule, is_assumed, entries, amount
    )
    select
        source, case when is_valued then customer_record_id end, month, 'rewards', kind,
        case when is_valued then 'stated value' else 'missing' end, false, count(*), -coalesce(sum(value_amount), 0)
    from going_rewards where kind in ('redeemed', 'gift')
    group by source, case when is_valued then customer_record_id end, month, kind, is_valued;
    insert into points
    select
        source, customer_record_id, month, kind, case when kind = 'earned' then expires_on end, count(*), sum(points),
        sum(value_amount)
    from going_rewards
    group by source, customer_record_id, month, kind, case when kind = 'earned' then expires_on end, is_valued, are_points
"""

#: a campaign's costs are spread over everybody whom it contacted, so its contacts go together, with the last of them
_GOING_CONTACTS = """
    create temp table going_campaigns as
    select contacts.campaign_id
    from intermediate.int_campaign_contacts_dated as contacts
    left join ends on contacts.source = ends.source and ends.entity = 'campaign_contacts'
    group by contacts.campaign_id
    having bool_and(coalesce(contacts.contacted_on < ends.before, false));
    delete from going_campaigns where campaign_id in (
        select campaign_record_id from raw.campaign_contacts
        where cast(timezone($zone, contacted_at) as date) >= (select max(before) from ends where entity = 'campaign_contacts')
    );
    insert into gone_campaigns
    select distinct campaign_key from intermediate.int_campaign_contacts_dated
    where campaign_id in (select campaign_id from going_campaigns);
    insert into going
    select 'campaign_contacts', campaign_contact_id from staging.stg_campaign_contacts
    where campaign_id in (select campaign_id from going_campaigns)
""" + _unknown_to_marts(
    "campaign_contacts", "campaign_contact_id", "intermediate.int_campaign_contacts_dated", "contacted_at"
)

#: as intermediate.int_campaigns_entered enters them, by record
_CONTACTS_TOTALLED = """
    create temp table going_contacts as
    select
        campaigns.source, campaigns.campaign_id, campaigns.campaign_key, campaigns.fixed_cost, campaigns.unit_cost,
        coalesce(campaigns.campaign_name, campaigns.campaign_key) as campaign, contacts.customer_record_id,
        cast(date_trunc('month', contacts.contacted_on) as date) as month,
        row_number() over (partition by contacts.campaign_id order by contacts.campaign_contact_id asc nulls last) as place,
        count(*) over (partition by contacts.campaign_id) as members,
        cast(floor(campaigns.fixed_cost * 100) as bigint) as cents
    from intermediate.int_campaign_contacts_dated as contacts
    inner join intermediate.int_campaigns_known as campaigns on contacts.campaign_id = campaigns.campaign_id
    where contacts.role = 'contacted' and contacts.campaign_id in (select campaign_id from going_campaigns);
    insert into totals
    select
        source, customer_record_id, month, 'campaigns', campaign, 'unit cost', false, count(*), -sum(unit_cost), null,
        campaign_id, campaign_key
    from going_contacts where unit_cost is not null
    group by all
    union all
    select
        source, customer_record_id, month, 'campaigns', campaign, 'fixed cost spread over those contacted', false, count(*),
        -sum(
            (cents // members + case when place <= cents % members then 1 else 0 end) * cast(0.01 as decimal(18, 4))
            + case when place = 1 then fixed_cost - cents * cast(0.01 as decimal(18, 4)) else 0 end
        ),
        null, campaign_id, campaign_key
    from going_contacts where fixed_cost is not null
    group by all
    union all
    select source, null, month, 'campaigns', campaign, 'missing', false, count(*), 0, null, campaign_id, campaign_key
    from going_contacts where fixed_cost is null and unit_cost is null
    group by all
"""

#: a contract is as old as its last day; one that goes on stays. No money of the ledger is its own
_GOING_CONTRACTS = """
    insert into going
    select 'contracts', rows.contract_id
    from intermediate.int_contracts_identified as rows
    inner join ends on rows.source = ends.source and ends.entity = 'contracts'
    where not rows.is_active and coalesce(rows.ends_on, rows.cancelled_on) < ends.before
    union
    select 'contracts', rows.record_id
    from raw.contracts as rows
    inner join ends on rows.source = ends.source and ends.entity = 'contracts'
    where rows.record_id not in (select contract_id from intermediate.int_contracts_identified)
    group by rows.record_id
    having max(greatest(
        coalesce(rows.ends_on, rows.cancelled_on, rows.started_on), cast(timezone($zone, rows.loaded_at) as date)
    )) < any_value(ends.before)
"""

#: entity → what fills the tables of it
STATEMENTS = {
    "transactions": _GOING_SALES + _SALES_TOTALLED,
    "interactions": _GOING_INTERACTIONS + _INTERACTIONS_TOTALLED,
    "contracts": _GOING_CONTRACTS,
    "campaign_contacts": _GOING_CONTACTS + _CONTACTS_TOTALLED,
    "rewards": _GOING_REWARDS + _REWARDS_TOTALLED,
}
