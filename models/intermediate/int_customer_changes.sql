{#-
    What a customer's relationship holds (products, channels, contracts, complaints ...) changes in few months: it begins to
    count in one month and ceases in another. Whatever is wanted of every month-end is then a running sum of these.
-#}
{%- set measures = [
    'products', 'categories', 'categories_6m', 'channels', 'contracts', 'complaints', 'campaign_contacts',
    'campaign_answers', 'satisfaction', 'satisfaction_answers', 'withdrawn_consents', 'recurring',
] -%}

with

interactions as (

    select * from {{ ref('int_interactions_identified') }}
    where customer_id <> 0

),

-- A complaint that nobody ever closed is not held against the company for longer than a year.
complaints as (

    select
        customer_id,
        opened_on as began_on,
        least(
            coalesce(resolved_on, opened_on + interval '365' day), opened_on + interval '365' day
        ) as over_on
    from interactions
    where kind = 'complaint'

),

answered_contacts as (

    select * from {{ ref('int_campaign_contacts_answered') }}

),

satisfaction as (

    select
        customer_id,
        {{ month_number('coalesce(resolved_on, opened_on)') }} as month_number,
        cast(sum(round(satisfaction * 1000)) as bigint) as satisfaction,
        count(*) as answers
    from interactions
    where satisfaction is not null
    group by 1, 2

),

changes as (

    select * from {{ ref('int_repertoire_changed') }}
    union all
    select * from {{ ref('int_consents_taken_back') }}
    union all
    select * from {{ ref('int_contracts_changed') }}
    union all
    select
        customer_id,
        {{ month_number('began_on') }} as month_number,
        'complaints' as measure,
        1 as change
    from complaints
    union all
    select
        customer_id,
        {{ month_number('over_on') }} as month_number,
        'complaints' as measure,
        -1 as change
    from complaints
    where over_on <= {{ as_of() }}
    union all
    {% for measure, begins in [
        ('campaign_contacts', 'contact_month_number'), ('campaign_answers', 'answer_month_number'),
    ] %}
        select
            customer_id,
            {{ begins }} as month_number,
            '{{ measure }}' as measure,
            1 as change
        from answered_contacts
        where {{ begins }} < contact_month_number + 12
        union all
        select
            customer_id,
            contact_month_number + 12 as month_number,
            '{{ measure }}' as measure,
            -1 as change
        from answered_contacts
        where {{ begins }} < contact_month_number + 12
        union all
    {% endfor %}
    {% for measure, amount in [('satisfaction', 'satisfaction'), ('satisfaction_answers', 'answers')] %}
        {% for months, sign in [(0, ''), (12, '-')] %}
            select
                customer_id,
                month_number + {{ months }} as month_number,
                '{{ measure }}' as measure,
                {{ sign }}{{ amount }} as change
            from satisfaction
            {{ 'union all' if not loop.last }}
        {% endfor %}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

customer_changes as (

    select
        ---------- ids
        customer_id,

        ---------- how many more, or fewer; satisfaction in thousandths, recurring amounts in ten-thousandths
        {% for measure in measures %}
            cast(coalesce(sum(change) filter (where measure = '{{ measure }}'), 0) as bigint) as {{ measure }},
        {% endfor %}

        ---------- dates
        month_number

    from changes
    where month_number is not null
    group by customer_id, month_number

)

select * from customer_changes
