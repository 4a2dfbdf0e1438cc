with

settings as (

    select * from {{ source('run', 'segment_settings') }}

),

months as (

    select * from {{ ref('customer_months') }}
    where is_as_of and is_buyer

),

rfm_groups as (

    select * from {{ ref('int_rfm_scores_named') }}

),

-- A company that states no thresholds has no such reading.
read as (

    select
        months.*,
        {% for score, measure, sign, limits in [
            ('recency', 'days_since_last_order', '<=', 'settings.rfm.recency_days'),
            ('frequency', 'cumulative_orders', '>=', 'settings.rfm.orders'),
            ('monetary', 'cumulative_net_revenue', '>=', 'settings.rfm.net_revenue'),
        ] %}
            case
                when {{ limits }} is not null
                    then
                        {% for place in range(1, 5) %}
                            case
                                when months.{{ measure }} {{ sign }} {{ nth(limits, place) }} then 1 else 0
                            end {{ '+' if not loop.last }}
                        {% endfor %}
                        + 1
            end as fixed_{{ score }}_score,
        {% endfor %}
        100 * months.recency_score + 10 * months.frequency_score + months.monetary_score as rfm_score
    from months
    cross join settings

),

rfm_readings as (

    select
        ---------- ids
        read.customer_id,

        ---------- before hysteresis
        read.rfm_score,
        coalesce(today.group_name, 'No group') as rfm_group_today,

        ---------- whatever the state
        coalesce(by_scores.group_name, 'No group') as rfm_group_by_scores,

        ---------- by the company's own thresholds
        read.fixed_recency_score,
        read.fixed_frequency_score,
        read.fixed_monetary_score,
        case when read.fixed_recency_score is not null then coalesce(by_thresholds.group_name, 'No group') end
            as fixed_rfm_group

    from read
    left join rfm_groups as today
        on read.rfm_score = today.rfm_score and read.life_cycle_stage = today.life_cycle_stage
    left join rfm_groups as by_scores
        on read.rfm_score = by_scores.rfm_score and by_scores.life_cycle_stage = 'any'
    left join rfm_groups as by_thresholds
        on
            read.fixed_recency_score = by_thresholds.recency_score
            and read.fixed_frequency_score = by_thresholds.frequency_score
            and read.fixed_monetary_score = by_thresholds.monetary_score
            and by_thresholds.life_cycle_stage = 'any'

)

select * from rfm_readings
