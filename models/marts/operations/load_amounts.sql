with

load_amounts as (

    select
        ---------- ids
        batch_id,
        source,
        entity,
        month,
        disposition,

        ---------- counts
        row_count,
        amount_unreadable,

        ---------- amounts, company currency, without tax
        {{ money('coalesce(net_amount, 0)') }} as net_amount

    from {{ source('ledger', 'load_amounts') }}

)

select * from load_amounts
