with

settings as (

    select * from {{ source('run', 'action_settings') }}

),

ways as (

    {{ listed_settings(source('run', 'action_settings'), 'ways') }}

),

permissions as (

    select * from {{ ref('contact_permissions') }}
    where is_contactable

),

rates as (

    {{ rates_by_channel('ways', 'contact') }}

),

costs as (

    select
        ways.channel,
        ways.minutes,
        coalesce(rates.cost_per_contact, 0) + coalesce({{ times('rates.cost_per_minute', 'ways.minutes') }}, 0)
            as cost_amount
    from ways
    left join rates on ways.channel = rates.channel

),

contacted as (

    select
        customer_id,
        max(contacted_on) as last_on
    from {{ ref('int_outbound_contacts') }}
    group by customer_id

),

customers as (

    select
        months.customer_id,
        assigned.portfolio,
        coalesce(months.expected_value, 0) as expected_value,
        coalesce(retention.expected_value_at_risk, 0) as expected_value_at_risk,
        retention.main_reason,
        coalesce(offer.probability * offer.contribution_if_taken, 0) as likely_contribution,
        offer.reason as offer_reason,
        months.open_complaints > 0 as is_complaint_open,
        months.state = 'active'
        and months.open_complaints = 0
        and months.value_tier = 'high'
        and coalesce({{ days_from('contacted.last_on', as_of()) }} >= settings.thank_after_days, true) as is_to_thank
    from {{ ref('int_customer_months_labelled') }} as months
    cross join settings
    left join {{ ref('int_portfolios_assigned') }} as assigned on months.customer_id = assigned.customer_id
    left join {{ ref('customer_retention') }} as retention on months.customer_id = retention.customer_id
    left join contacted on months.customer_id = contacted.customer_id
    left join {{ ref('customer_offers') }} as offer on months.customer_id = offer.customer_id and offer.offer_rank = 1
    where months.is_as_of and months.is_customer

),

-- Nothing is sold to whom a complaint is open: first that is put right, which needs no permission to sell.
wanted as (

    {% for action, purpose, stake, share, when in [
        ('recover', "'transactional'", 'expected_value', 'recover_keeps', 'customers.is_complaint_open'),
        ('call', 'settings.purpose', 'expected_value_at_risk', 'call_keeps', 'not customers.is_complaint_open'),
        ('thank', 'settings.purpose', 'expected_value', 'thank_keeps', 'customers.is_to_thank'),
        ('offer', 'settings.purpose', 'likely_contribution', 'offer_brings', 'not customers.is_complaint_open'),
    ] %}
        select
            customers.customer_id,
            '{{ action }}' as action,
            {{ purpose }} as purpose,
            customers.{{ stake }} as expected_value_at_stake,
            customers.{{ stake }} * settings.{{ share }} as expected_value_kept
        from customers
        cross join settings
        where {{ when }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

affordable as (

    select
        wanted.*,
        costs.channel,
        costs.minutes,
        costs.cost_amount,
        wanted.expected_value_kept - cast(costs.cost_amount as double) as expected_gain,
        row_number() over (
            partition by wanted.customer_id
            order by
                wanted.expected_value_kept - cast(costs.cost_amount as double) desc nulls last,
                wanted.action asc nulls last,
                costs.channel asc nulls last
        ) as sequence
    from wanted
    inner join permissions on wanted.customer_id = permissions.customer_id and wanted.purpose = permissions.purpose
    inner join costs on permissions.channel = costs.channel
    where wanted.expected_value_kept > cast(costs.cost_amount as double)

),

reached as (

    select distinct permissions.customer_id
    from permissions
    inner join settings on permissions.purpose = settings.purpose
    inner join ways on permissions.channel = ways.channel

),

chosen as (

    select
        customers.customer_id,
        customers.portfolio,
        customers.offer_reason,
        coalesce(best.action, 'leave alone') as action,
        case
            when best.action = 'call' then coalesce(customers.main_reason, 'value_at_risk')
            when best.action is not null then best.action
            when reached.customer_id is null then 'no_permission'
            else 'nothing_pays'
        end as text_key,
        best.purpose,
        best.channel,
        best.minutes,
        best.cost_amount,
        best.expected_value_at_stake,
        best.expected_gain,
        cast(portfolios.capacity_hours as double) * 60 / 52 as minutes_a_week,
        row_number() over in_portfolio as rank_in_portfolio,
        sum(best.minutes) over in_portfolio as minutes_so_far
    from customers
    left join affordable as best on customers.customer_id = best.customer_id and best.sequence = 1
    left join reached on customers.customer_id = reached.customer_id
    left join {{ ref('stg_portfolios') }} as portfolios on customers.portfolio = portfolios.portfolio
    window in_portfolio as (
        partition by customers.portfolio
        order by cast(best.expected_gain as double) / best.minutes desc nulls last, customers.customer_id asc nulls last
        rows between unbounded preceding and current row
    )

),

customer_actions as (

    select
        ---------- ids
        chosen.customer_id,

        ---------- what to do, and why
        chosen.action,
        case when chosen.action = 'offer' then chosen.offer_reason else texts.text end as action_reason,
        chosen.purpose,
        chosen.channel,

        ---------- amounts, company currency
        {{ money('chosen.cost_amount') }} as contact_cost_amount,
        chosen.expected_value_at_stake,
        chosen.expected_gain,

        ---------- how long it takes, and when its turn comes
        chosen.minutes as contact_minutes,
        case when chosen.action <> 'leave alone' then chosen.rank_in_portfolio end as rank_in_portfolio,

        ---------- booleans
        chosen.portfolio is not null
        and chosen.action <> 'leave alone'
        and coalesce(chosen.minutes_so_far <= chosen.minutes_a_week, true) as is_this_week

    from chosen
    left join {{ ref('int_texts') }} as texts on texts.area = 'action' and chosen.text_key = texts.text_key

)

select * from customer_actions
