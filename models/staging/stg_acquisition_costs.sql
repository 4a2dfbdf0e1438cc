with

costs as (

    {{ company_rows_or_default('acquisition_costs', ['acquisition_channel', 'month', 'cost_amount', 'is_assumed']) }}

),

acquisition_costs as (

    select
        acquisition_channel,
        {{ month_of('month') }} as month,
        cost_amount,
        coalesce(is_assumed, false) as is_assumed
    from costs

)

select * from acquisition_costs
where month <= {{ as_of() }}
