{#-
    What a customer's relationship holds (products, channels, contracts, complaints ...) changes in few months. A thing that
    was bought counts for twelve months, so that it begins to count in one month and ceases in another; whatever is
    wanted of every month-end is then a running sum of these.
-#}
{%- set measures = [
    'products', 'categories', 'categories_6m', 'channels', 'contracts', 'complaints', 'campaign_contacts',
    'campaign_answers', 'satisfaction', 'satisfaction_answers', 'withdrawn_contacts',
] -%}

with

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

customers as (

    select * from {{ ref('int_customers') }}

),

products as (

    select
        product_id,
        dense_rank() over (order by category asc nulls last) as category_number
    from {{ ref('int_product_costs') }}
    where category is not null

),

product_months as (

    select
        customer_record_id,
        product_id,
        {{ month_number('ordered_on') }} as month_number
    from {{ ref('int_order_lines') }}
    where not is_return and product_id is not null and customer_record_id is not null
    group by 1, 2, 3

),

channel_days as (

    select
        customer_record_id,
        channel,
        ordered_on as used_on
    from {{ ref('int_orders') }}
    where channel is not null and sale_line_count > 0
    union all
    select
        customer_record_id,
        channel,
        opened_on as used_on
    from {{ ref('stg_interactions') }}
    where channel is not null and direction = 'inbound'

),

channels as (

    select
        channel,
        row_number() over (order by channel asc nulls last) as channel_number
    from channel_days
    group by channel

),

-- kind: 1 product, 2 category, 3 channel
things as (

    select
        crosswalk.customer_id,
        1 as kind,
        product_months.product_id as thing,
        product_months.month_number
    from product_months
    inner join crosswalk on product_months.customer_record_id = crosswalk.record_id
    union all
    select
        crosswalk.customer_id,
        2 as kind,
        products.category_number as thing,
        product_months.month_number
    from product_months
    inner join products on product_months.product_id = products.product_id
    inner join crosswalk on product_months.customer_record_id = crosswalk.record_id
    group by 1, 2, 3, 4
    union all
    select
        crosswalk.customer_id,
        3 as kind,
        channels.channel_number as thing,
        {{ month_number('channel_days.used_on') }} as month_number
    from channel_days
    inner join channels on channel_days.channel = channels.channel
    inner join crosswalk on channel_days.customer_record_id = crosswalk.record_id
    group by 1, 2, 3, 4

),

neighbours as (

    select
        *,
        lag(month_number) over by_month as previous_month_number,
        lead(month_number) over by_month as next_month_number
    from things
    window by_month as (partition by customer_id, kind, thing order by month_number asc nulls last)

),

consents as (

    select
        crosswalk.customer_id,
        consents.decided_on,
        consents.status = 'withdrawn' as is_withdrawn,
        lag(consents.status) over (
            partition by crosswalk.customer_id, consents.purpose, coalesce(consents.channel, '')
            order by
                consents.decided_at asc nulls last, consents.status asc nulls last, consents.consent_id asc nulls last
        ) = 'withdrawn' as was_withdrawn
    from {{ ref('stg_consents') }} as consents
    inner join crosswalk on consents.customer_record_id = crosswalk.record_id

),

-- A complaint that nobody ever closed is not held against the company for longer than a year.
complaints as (

    select
        crosswalk.customer_id,
        interactions.opened_on,
        least(
            coalesce(interactions.resolved_on, interactions.opened_on + interval '365' day),
            interactions.opened_on + interval '365' day
        ) as closed_on
    from {{ ref('stg_interactions') }} as interactions
    inner join crosswalk on interactions.customer_record_id = crosswalk.record_id
    where interactions.kind = 'complaint'

),

contracts as (

    select
        crosswalk.customer_id,
        contracts.started_on,
        coalesce(contracts.ends_on, contracts.cancelled_on) + interval '1' day as over_on
    from {{ ref('stg_contracts') }} as contracts
    inner join crosswalk on contracts.customer_record_id = crosswalk.record_id

),

-- Answers to a campaign: what the customer said to it, and what he ordered from it.
answers as (

    select
        customer_record_id,
        campaign_id,
        opened_on as answered_on
    from {{ ref('stg_interactions') }}
    where kind = 'response' and campaign_id is not null
    union all
    select
        customer_record_id,
        campaign_id,
        ordered_on as answered_on
    from {{ ref('int_order_lines') }}
    where campaign_id is not null and not is_return

),

campaign_answers as (

    select
        crosswalk.customer_id,
        answers.campaign_id,
        answers.answered_on
    from answers
    inner join crosswalk on answers.customer_record_id = crosswalk.record_id

),

campaign_contacts as (

    select
        crosswalk.customer_id,
        contacts.campaign_id,
        min(contacts.contacted_on) as contacted_on
    from {{ ref('int_campaign_contacts_dated') }} as contacts
    inner join crosswalk on contacts.customer_record_id = crosswalk.record_id
    inner join customers on crosswalk.customer_id = customers.customer_id
    where contacts.role = 'contacted' and contacts.contacted_on >= customers.first_seen_on
    group by crosswalk.customer_id, contacts.campaign_id

),

-- An answer counts as long as its contact does.
answered_contacts as (

    select
        campaign_contacts.customer_id,
        campaign_contacts.campaign_id,
        {{ month_number('campaign_contacts.contacted_on') }} as contact_month_number,
        {{ month_number('min(campaign_answers.answered_on)') }} as answer_month_number
    from campaign_contacts
    left join campaign_answers
        on
            campaign_contacts.customer_id = campaign_answers.customer_id
            and campaign_contacts.campaign_id = campaign_answers.campaign_id
            and campaign_contacts.contacted_on <= campaign_answers.answered_on
    group by campaign_contacts.customer_id, campaign_contacts.campaign_id, campaign_contacts.contacted_on

),

satisfaction as (

    select
        crosswalk.customer_id,
        {{ month_number('coalesce(interactions.resolved_on, interactions.opened_on)') }} as month_number,
        cast(sum(round(interactions.satisfaction * 1000)) as bigint) as satisfaction,
        count(*) as answers
    from {{ ref('stg_interactions') }} as interactions
    inner join crosswalk on interactions.customer_record_id = crosswalk.record_id
    where interactions.satisfaction is not null
    group by 1, 2

),

changes as (

    {% for kind, measure, months in [
        (1, 'products', 12), (2, 'categories', 12), (2, 'categories_6m', 6), (3, 'channels', 12),
    ] %}
        select
            customer_id,
            month_number,
            '{{ measure }}' as measure,
            1 as change
        from neighbours
        where
            kind = {{ kind }}
            and (previous_month_number is null or month_number - previous_month_number > {{ months }})
        union all
        select
            customer_id,
            month_number + {{ months }} as month_number,
            '{{ measure }}' as measure,
            -1 as change
        from neighbours
        where kind = {{ kind }} and (next_month_number is null or next_month_number - month_number > {{ months }})
        union all
    {% endfor %}
    {% for table, measure, begins, ends in [
        ('contracts', 'contracts', 'started_on', 'over_on'), ('complaints', 'complaints', 'opened_on', 'closed_on'),
    ] %}
        select
            customer_id,
            {{ month_number(begins) }} as month_number,
            '{{ measure }}' as measure,
            1 as change
        from {{ table }}
        union all
        select
            customer_id,
            {{ month_number(ends) }} as month_number,
            '{{ measure }}' as measure,
            -1 as change
        from {{ table }}
        where {{ ends }} <= {{ as_of() }}
        union all
    {% endfor %}
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
            union all
        {% endfor %}
    {% endfor %}
    select
        customer_id,
        {{ month_number('decided_on') }} as month_number,
        'withdrawn_contacts' as measure,
        case when is_withdrawn then 1 else -1 end as change
    from consents
    where is_withdrawn <> coalesce(was_withdrawn, false)

),

customer_changes as (

    select
        ---------- ids
        customer_id,

        ---------- how many more, or fewer; satisfaction in thousandths
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
