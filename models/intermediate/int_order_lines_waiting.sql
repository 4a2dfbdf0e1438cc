{{ config(materialized="view") }}

with

header_sources as (

    select * from {{ source('run', 'header_sources') }}

),

headers as (

    select order_id from {{ ref('stg_orders') }}

),

return_batches as (

    select * from {{ source('run', 'return_batches') }}

),

order_lines_waiting as (

    select
        ---------- ids
        lines.order_line_id,
        lines.order_id,

        ---------- the source's own keys
        lines.source,
        lines.order_key,

        ---------- amounts, company currency, without tax
        lines.net_amount

    from {{ ref('stg_transactions') }} as lines
    inner join header_sources on lines.source = header_sources.source
    left join headers on lines.order_id = headers.order_id
    where
        headers.order_id is null
        and (
            lines.ordered_on is null
            or (
                lines.return_of_order_id is null
                and lines.batch_id not in (select return_batches.batch_id from return_batches)
            )
        )

)

select * from order_lines_waiting
