with

settings as (

    select * from {{ source('run', 'programme_settings') }}

),

months as (

    select * from {{ ref('int_programme_months') }}

),

-- An approach adds up its activities: what one of them does not know is not known of the sum.
results as (

    select
        'programme' as row_type,
        programme,
        coalesce(approach, '') as approach,
        month,
        stage,
        members,
        buyers,
        comparison,
        case when comparison = 'held out' then 'effect' when comparison is not null then 'association' else 'none' end
            as evidence,
        comparison_customers,
        case when is_cost_known then cost_amount end as cost_amount,
        customer_gain_amount,
        hours_saved,
        case when has_enough_buyers then total_difference end as total_difference,
        case when has_enough_buyers then total_low end as total_low,
        case when has_enough_buyers then total_high end as total_high,
        case
            when comparison is null then 'nobody to compare with, or no months before it'
            when not has_enough_buyers then 'too few buyers for money'
            when total_difference is null then 'the cost of what was bought is not known'
            when not is_cost_known then 'its monthly_cost is not known'
        end as limitation
    from months
    union all
    select
        'approach' as row_type,
        '' as programme,
        coalesce(approach, '') as approach,
        month,
        cast(null as string) as stage,
        cast(sum(members) as bigint) as members,
        cast(sum(buyers) as bigint) as buyers,
        cast(null as string) as comparison,
        case when bool_and(coalesce(comparison = 'held out', false)) then 'effect' else 'association' end as evidence,
        cast(sum(comparison_customers) as bigint) as comparison_customers,
        case when bool_and(is_cost_known) then sum(cost_amount) end as cost_amount,
        sum(customer_gain_amount) as customer_gain_amount,
        sum(hours_saved) as hours_saved,
        case
            when bool_and(coalesce(has_enough_buyers and total_difference is not null, false))
                then sum(total_difference)
        end as total_difference,
        cast(null as double) as total_low,
        cast(null as double) as total_high,
        case
            when not bool_and(coalesce(has_enough_buyers and total_difference is not null, false))
                then 'of one of its activities it cannot be said'
            when not bool_and(is_cost_known) then 'the monthly_cost of one of its activities is not known'
        end as limitation
    from months
    group by coalesce(approach, ''), month

),

-- The last months together, the present one among them; a month of which nothing can be said leaves them unknown.
recent as (

    select
        results.row_type,
        results.programme,
        results.approach,
        results.month,
        count(*) as months,
        case when count(*) = count(earlier.cost_amount) then sum(earlier.cost_amount) end as cost_amount,
        case when count(*) = count(earlier.total_difference) then sum(earlier.total_difference) end as total_difference
    from results
    cross join settings
    inner join results as earlier
        on
            results.row_type = earlier.row_type
            and results.programme = earlier.programme
            and results.approach = earlier.approach
            and {{ month_number('results.month') }} - {{ month_number('earlier.month') }} < settings.months
            and results.month >= earlier.month
    group by results.row_type, results.programme, results.approach, results.month

),

returned as (

    select
        results.*,
        recent.months as months_judged,
        cast(recent.total_difference as double) / nullif(cast(recent.cost_amount as double), 0) - 1 as recent_return,
        settings.months,
        settings.continue_from,
        settings.stop_below
    from results
    cross join settings
    inner join recent
        on
            results.row_type = recent.row_type
            and results.programme = recent.programme
            and results.approach = recent.approach
            and results.month = recent.month

),

programme_results as (

    select
        ---------- ids
        row_type,
        programme,
        approach,
        month,

        ---------- what can be said
        stage,
        evidence,
        comparison,
        case
            when months_judged < months or recent_return is null then 'not yet'
            when recent_return >= continue_from then 'continue'
            when recent_return < stop_below then 'stop'
            else 'change'
        end as verdict,
        limitation,

        ---------- counts
        members,
        buyers,
        comparison_customers,
        months_judged,

        ---------- amounts, company currency
        {{ money('cost_amount') }} as cost_amount,
        {{ money('customer_gain_amount') }} as customer_gain_amount,
        hours_saved,
        case when evidence = 'effect' then total_difference end as incremental_contribution,
        case when evidence = 'association' then total_difference end as associated_contribution,
        total_low as contribution_low,
        total_high as contribution_high,

        ---------- returns: what it brought less its cost, per unit of cost
        cast(total_difference as double) / nullif(cast(cost_amount as double), 0) - 1 as return_on_cost,
        recent_return

    from returned

)

select * from programme_results
