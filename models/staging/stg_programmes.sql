with

programmes as (

    {{ company_rows_or_default('programmes', [
        'programme', 'approach', 'started_on', 'ended_on', 'monthly_cost', 'description', 'segment', 'rule', 'campaign_key',
        'customer_gain', 'gain_component', 'hours_saved', 'stage',
    ]) }}

)

select * from programmes
