{#- Customers of one record have nothing to choose and are not here. -#}
{%- set fields = [
    'given_name', 'family_name', 'full_name', 'company_name', 'email', 'phone', 'tax_id', 'loyalty_id', 'street',
    'postal_code', 'city', 'region', 'country', 'language',
] -%}

with

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

records_counted as (

    select
        crosswalk.customer_id,
        customer_records.*,
        count(*) over (partition by crosswalk.customer_id) as record_count
    from {{ ref('stg_customers') }} as customer_records
    inner join crosswalk on customer_records.record_id = crosswalk.record_id

),

records as (

    select * from records_counted
    where record_count > 1

),

-- Fields of one unit, such as an address, are taken from one record together.
units as (

    select
        field,
        unit,
        place,
        survivorship
    from {{ source('run', 'identity_fields') }}

),

trusted as (

    select
        source,
        trust
    from {{ source('run', 'identity_sources') }}

),

-- As delivered, and only where records are matched: a word for nothing, or a value that too many share.
nobodys as (

    select
        field,
        value
    from {{ left_by(ref('int_customers_assigned'), source('identity', 'refused_values')) }}
    group by field, value
    union
    select
        cleaned.kind as field,
        cleaned.raw as value
    from {{ left_by(ref('int_customers_assigned'), source('identity', 'cleaned_values')) }} as cleaned
    inner join {{ left_by(ref('int_customers_assigned'), source('identity', 'shared_values')) }} as shared
        on cleaned.kind = shared.field and cleaned.value = shared.value

),

said as (

    select
        records.customer_id,
        records.record_id,
        records.source,
        records.updated_at,
        units.field,
        units.unit,
        units.place,
        units.survivorship,
        case units.field
            {% for field in fields %}
                when '{{ field }}' then records.{{ field }}
            {% endfor %}
            when 'birth_date' then cast(records.birth_date as string)
        end as value
    from records
    cross join units

),

known as (

    select said.*
    from said
    left join nobodys on said.field = nobodys.field and said.value = nobodys.value
    where trim(said.value) <> '' and nobodys.value is null

),

-- What one record says of one unit, in one text.
offered as (

    select
        customer_id,
        record_id,
        unit,
        survivorship,
        any_value(source) as source,
        any_value(updated_at) as updated_at,
        count(*) as filled,
        -- a country alone is no address: records that know the unit's first field go first
        min(place) as first_place,
        {% for place in range(8) %}
            coalesce(max(case when place = {{ place }} then value end), '') {{ "|| '|' || " if not loop.last }}
        {% endfor %}
            as said
    from known
    group by customer_id, record_id, unit, survivorship

),

candidates as (

    select
        offered.customer_id,
        offered.unit,
        offered.survivorship,
        offered.said,
        min(offered.record_id) as record_id,
        max(offered.updated_at) as updated_at,
        min(coalesce(trusted.trust, 1000000)) as trust,
        max(offered.filled) as filled,
        min(offered.first_place) as first_place,
        count(*) as record_count
    from offered
    left join trusted on offered.source = trusted.source
    group by offered.customer_id, offered.unit, offered.survivorship, offered.said

),

-- Every rule ends in the same tie-breaks, so that a golden record never depends on the order of rows.
ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, unit
            order by
                case when first_place > 0 then 1 else 0 end asc nulls last,
                case when survivorship in ('most_trusted', 'any') then trust end asc nulls last,
                case when survivorship = 'most_frequent' then record_count end desc nulls last,
                case when survivorship = 'longest' then length(said) end desc nulls last,
                updated_at desc nulls last,
                trust asc nulls last,
                filled desc nulls last,
                record_count desc nulls last,
                said asc nulls last
        ) as place_in_line
    from candidates

),

field_values as (

    select
        ranked.customer_id,
        known.field,
        known.value,
        ranked.place_in_line = 1 as is_winner,
        case
            when ranked.unit = known.field then ranked.survivorship
            else ranked.survivorship || ', ' || ranked.unit || ' from one record'
        end as rule,
        ranked.record_id,
        known.source,
        ranked.updated_at,
        ranked.record_count
    from ranked
    inner join known on ranked.record_id = known.record_id and ranked.unit = known.unit

)

select * from field_values
