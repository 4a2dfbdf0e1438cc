with

delivered as (

    {{ current_version('customers', is_state=true) }}

),

customers as (

    select
        ---------- ids
        record_id,
        source,
        record_key as customer_key,

        ---------- who
        given_name,
        family_name,
        full_name,
        company_name,
        email,
        phone,
        tax_id,
        loyalty_id,
        street,
        postal_code,
        city,
        region,
        country,
        language,
        attributes,
        birth_date,

        ---------- how the customer was won
        acquisition_channel,
        acquisition_cost,
        is_prospect,
        is_company,
        parent_customer_record_id,
        parent_customer_key,
        {{ known_by_as_of('acquired_on') }} as acquired_on,

        ---------- times
        updated_at

    from delivered

)

select * from customers
