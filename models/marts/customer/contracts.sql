with

contracts as (

    select * from {{ ref('int_contracts_identified') }}

),

terms as (

    select * from {{ ref('int_contract_terms') }}

),

links as (

    select * from {{ ref('int_contract_links') }}

),

outlook as (

    select * from {{ ref('int_contract_outlook') }}
    where row_type = 'contract'

),

spells as (

    select
        *,
        lag(recurring_amount) over by_day as amount_before,
        lag(period_months) over by_day as period_before
    from {{ ref('int_contract_spells') }}
    window by_day as (partition by contract_id order by from_on asc nulls last)

),

prices as (

    select
        contract_id,
        count(*) filter (where recurring_amount <> amount_before or period_months <> period_before) as price_changes,
        max(from_on) filter (where recurring_amount <> amount_before or period_months <> period_before)
            as price_changed_on,
        min_by(recurring_amount, from_on) as first_recurring_amount,
        sum(monthly_amount) filter (where is_last) as monthly_amount,
        bool_or(is_last and is_paused) as is_paused,
        max(paused_on) filter (where is_last) as paused_on
    from spells
    group by contract_id

),

-- The day on which a term was over that lies nearest to the end.
ends as (

    select
        contract_id,
        cast(
            started_on + interval '1' month * cast(
                greatest(
                    round(cast({{ days_from('started_on', 'over_on') }} as double) / (30.4375 * term_months)), 1
                ) * term_months as int
            ) as date
        ) as term_over_on
    from contracts
    where not is_active

),

described as (

    select
        ---------- ids
        contracts.contract_id,
        contracts.customer_id,
        contracts.product_id,
        links.renews_contract_id,
        links.renewed_by_contract_id,
        links.overlaps_contract_id,

        ---------- the source's own keys
        contracts.source,
        contracts.contract_key,
        contracts.customer_key,
        contracts.product_key,

        ---------- how it ended
        contracts.cancelled_by,
        contracts.cancel_reason,
        case
            when contracts.is_active then null
            when links.renewed_by_contract_id is not null then 'renewed'
            when contracts.cancelled_by in ('company', 'other') then 'involuntary'
            when
                contracts.cancelled_on is null
                or abs({{ days_from('ends.term_over_on', 'contracts.over_on') }}) <= 3
                or abs({{ days_from('contracts.renews_on', 'contracts.over_on') }}) <= 3
                then 'at renewal'
            else 'early'
        end as end_kind,

        ---------- amounts, without tax
        coalesce(terms.recurring_amount, contracts.recurring_amount) as recurring_amount,
        cast(coalesce(terms.period_months, contracts.period_months, 1) as bigint) as period_months,
        {{ money('coalesce(prices.monthly_amount, contracts.monthly_amount)') }} as monthly_amount,
        {{ money("""case
            when contracts.is_active then coalesce(prices.monthly_amount, contracts.monthly_amount) else 0
        end""") }} as monthly_recurring_amount,
        prices.first_recurring_amount,
        contracts.currency,
        contracts.source_recurring_amount,
        terms.contribution,
        terms.cost_rule,

        ---------- numbers
        cast(contracts.term_months as bigint) as term_months,
        coalesce(prices.price_changes, 0) as price_changes,

        ---------- the next renewal, and what is expected within the horizon
        outlook.renews_on,
        outlook.renewal_probability,
        outlook.expected_value,

        ---------- booleans
        contracts.is_active,
        contracts.is_active and coalesce(prices.is_paused, false) as is_paused,
        contracts.is_active and contracts.cancelled_on is not null as is_leaving,
        coalesce(terms.is_cost_assumed, false) as is_cost_assumed,

        ---------- dates
        contracts.started_on,
        contracts.ends_on,
        contracts.cancelled_on,
        links.first_started_on,
        prices.price_changed_on,
        case when prices.is_paused then prices.paused_on end as paused_on

    from contracts
    left join terms on contracts.contract_id = terms.contract_id
    left join links on contracts.contract_id = links.contract_id
    left join outlook on contracts.contract_id = outlook.contract_id
    left join prices on contracts.contract_id = prices.contract_id
    left join ends on contracts.contract_id = ends.contract_id

)

select * from described
