with

outlook as (

    select * from {{ ref('int_contract_outlook') }}
    where row_type = 'month'

),

contract_renewals as (

    select
        ---------- ids
        month,
        tenure,
        is_ahead,

        ---------- contracts
        renewals_due,
        renewals,
        expected_renewals,

        ---------- monthly amounts, company currency, without tax
        {{ money('due_amount') }} as due_amount,
        {{ money('renewed_amount') }} as renewed_amount,
        expected_renewed_amount,
        due_amount - expected_renewed_amount as expected_lost_amount

    from outlook

)

select * from contract_renewals
