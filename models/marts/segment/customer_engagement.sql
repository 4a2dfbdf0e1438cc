{%- set parts = [
    'categories', 'products', 'channels', 'orders', 'active_months', 'contracts', 'tenure', 'answers', 'satisfaction',
] -%}

with

customers as (

    select * from {{ ref('int_customers') }}

),

labels as (

    select * from {{ ref('int_rfm_scored') }}
    where is_as_of

),

months as (

    select * from {{ ref('customer_months') }}
    where is_as_of

),

weights as (

    select
        {% for part in parts %}
            coalesce(cast(max(weight) filter (where part = '{{ part }}') as double), 0) as {{ part }}_weight,
        {% endfor %}
        count(*) as parts
    from {{ ref('stg_engagement_weights') }}

),

-- A part that says nothing of a customer (nobody ever asked them) leaves its weight to the others.
weighed as (

    select
        labels.*,
        {% for part in parts %}
            weights.{{ part }}_weight,
        {% endfor %}
        {% for part in parts %}
            case when labels.{{ part }}_points is not null then weights.{{ part }}_weight else 0 end
            {{ '+' if not loop.last }}
        {% endfor %}
            as weight_in_all
    from labels
    cross join weights

),

customer_engagement as (

    select
        ---------- ids
        customers.customer_id,

        ---------- the score
        weighed.engagement_score,

        ---------- what each part adds to the score: breadth, depth, length, response
        {% for part in parts %}
            cast(coalesce(weighed.{{ part }}_points, 0) * weighed.{{ part }}_weight as double)
            / nullif(weighed.weight_in_all, 0)
                as {{ part }}_share_of_score,
        {% endfor %}

        ---------- each part, 0 to 100
        {% for part in parts %}
            weighed.{{ part }}_points,
        {% endfor %}

        ---------- what the parts are made of
        months.categories_12m,
        months.products_12m,
        months.channels_12m,
        months.orders_12m,
        months.active_months_12m,
        months.tenure_days,
        months.campaign_contacts_12m,
        months.campaign_answers_12m,
        months.satisfaction_12m

    from customers
    left join weighed on customers.customer_id = weighed.customer_id
    left join months on customers.customer_id = months.customer_id and customers.customer_id <> 0

)

select * from customer_engagement
