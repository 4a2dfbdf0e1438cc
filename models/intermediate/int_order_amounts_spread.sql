{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key="order_line_id",
        post_hook="delete from {{ this }} where is_gone",
    )
}}
{%- set amounts = ['discount', 'shipping', 'fee', 'tax'] -%}
{#- Said before the question whether it is used, so that dbt sees what it reads even while nothing is built yet. -#}
{%- set changed = changed_orders() %}
{%- set versions = ref('stg_transaction_versions') %}

-- noqa: disable=LT02
with

{% if is_incremental() %}
    changed as (

        {{ changed }}

    ),

{% endif %}

-- A line weighs what it costs before discounts; returns weigh nothing; where all weigh nothing all weigh alike.
lines as (

    select
        *,
        case when is_return then 0 else cast(abs(gross_amount) * 10000 as decimal(18, 0)) end as own_weight
    from {{ ref('int_order_lines_headed') }}
    where
        (
            {% for amount in amounts %}
                order_{{ amount }}_amount <> 0 {{ 'or' if not loop.last }}
            {% endfor %}
        )
        {% if is_incremental() %}
            and order_id in (select changed.order_id from changed)
        {% endif %}

),

weighed as (

    select
        *,
        case
            when sum(own_weight) over (partition by order_id) = 0 then cast(1 as decimal(18, 0))
            else cast(own_weight as decimal(18, 0))
        end as weight
    from lines

),

shared as (

    select
        order_line_id,
        order_id,
        weight,
        cast(sum(weight) over (partition by order_id) as decimal(38, 0)) as order_weight,
        {% for amount in amounts %}
            order_{{ amount }}_amount as {{ amount }}_whole,
            cast(floor(abs(order_{{ amount }}_amount) * 100) as decimal(18, 0)) as {{ amount }}_cents
            {{- ',' if not loop.last }}
        {% endfor %}
    from weighed

),

-- Whole cents first; the cents that are left go to the largest remainders, ties by the line's id.
floored as (

    select
        *,
        {% for amount in amounts %}
            cast(
                round(
                    cast({{ amount }}_cents * weight - ({{ amount }}_cents * weight) % order_weight as double)
                    / order_weight
                ) as bigint
            ) as {{ amount }}_floor,
            row_number() over (
                partition by order_id
                order by ({{ amount }}_cents * weight) % order_weight desc nulls last, order_line_id asc nulls last
            ) as {{ amount }}_rank
            {{- ',' if not loop.last }}
        {% endfor %}
    from shared

),

spread as (

    select
        order_line_id,
        {% for amount in amounts %}
            -- what is finer than a cent goes to the first
            {{ money("cast(sign(" ~ amount ~ "_whole) as tinyint) * (
                (" ~ amount ~ "_floor + case
                    when " ~ amount ~ "_rank <= " ~ amount ~ "_cents - sum(" ~ amount ~ "_floor) over (partition by order_id)
                        then 1 else 0
                end) * cast(0.01 as decimal(18, 4))
                + case when " ~ amount ~ "_rank = 1
                    then abs(" ~ amount ~ "_whole) - " ~ amount ~ "_cents * cast(0.01 as decimal(18, 4)) else 0 end
            )") }} as {{ amount }}_amount
            {{- ',' if not loop.last }}
        {% endfor %}
    from floored

),

{% if is_incremental() %}
    -- a line that has no share any more has only its id: it is merged as gone, and then deleted
    line_ids as (

        select distinct order_line_id
        from {{ versions }}
        where order_id in (select changed.order_id from changed)

    ),

{% endif %}

order_amounts_spread as (

    select
        {{ 'line_ids' if is_incremental() else 'spread' }}.order_line_id,
        {% for amount in amounts %}
            spread.{{ amount }}_amount,
        {% endfor %}
        spread.order_line_id is null as is_gone
    {% if is_incremental() %}
        from line_ids
        left join spread on line_ids.order_line_id = spread.order_line_id
    {% else %}
        from spread
    {% endif %}

)

select * from order_amounts_spread
