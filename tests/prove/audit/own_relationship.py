"""Permissions, points, cases, the basic transaction: each recounted from the facts, by what the documentation says."""

#: what a contact cost: the rate valid on its day, of its channel and kind, else of the kind, of the channel, of the company
PRICED = """
    with rates as (
        select coalesce(channel, '') as channel, coalesce(kind, '') as kind, valid_from, cost_per_contact,
            cost_per_minute, is_assumed,
            lead(valid_from) over (partition by coalesce(channel, ''), coalesce(kind, '') order by valid_from) as next_from
        from cost_rates
    ),
    fitting as (
        select contact.interaction_id, rate.*,
            row_number() over (
                partition by contact.interaction_id order by rate.kind <> '' desc, rate.channel <> '' desc
            ) as choice
        from customer.interactions as contact join rates as rate
            on rate.channel in ('', coalesce(contact.channel, '')) and rate.kind in ('', contact.kind)
                and contact.opened_on >= rate.valid_from and (rate.next_from is null or contact.opened_on < rate.next_from)
    )
    select contact.interaction_id, contact.customer_id, contact.kind, contact.source, contact.opened_on,
        cast(fitting.cost_per_contact + coalesce(contact.minutes, 0) * coalesce(fitting.cost_per_minute,
            0) as decimal(18, 4)) as cost_amount,
        coalesce(fitting.is_assumed, false) as is_cost_assumed, fitting.channel as rate_channel, fitting.kind as rate_kind
    from customer.interactions as contact left join fitting using (interaction_id)
    where coalesce(fitting.choice, 1) = 1
"""

#: the target of a case: the narrowest that fits, by kind before channel; empty means any
CASES = f"""
    with priced as ({PRICED}),
    targeted as (
        select contact.interaction_id, target.first_answer_hours, target.resolution_hours,
            row_number() over (
                partition by contact.interaction_id
                order by coalesce(target.kind, '') <> '' desc, coalesce(target.channel, '') <> '' desc
            ) as choice
        from customer.interactions as contact join service_targets as target
            on coalesce(target.kind, '') in ('', contact.kind)
                and coalesce(target.channel, '') in ('', contact.channel)
    ),
    -- hours until it was answered and resolved; of what is open, until now
    waited as (
        select case_id as interaction_id,
            coalesce(
                datediff('minute', opened_at, first_answered_at), datediff('minute', opened_at, resolved_at),
                60 * 24 * (as_of_on - opened_on)
            ) / 60 as hours_to_answer,
            coalesce(datediff('minute', opened_at, resolved_at), 60 * 24 * (as_of_on - opened_on)) / 60 as hours_to_end
        from relationship.service_cases cross join operations.publication
    )
    select interaction_id as case_id, contact.customer_id, order_id, product_id, contact.source, interaction_key as case_key,
        contact.kind, channel, agent, status, outcome, satisfaction, opened_at, contact.opened_on, resolved_at, resolved_on,
        round(datediff('minute', opened_at, resolved_at) / 60, 2)::double as hours_to_resolution,
        case when resolved_at is null then as_of_on - contact.opened_on end as age_days,
        cost_amount, is_cost_assumed, resolved_at is null as is_open, choice is not null as has_target,
        choice is not null and hours_to_answer <= coalesce(first_answer_hours, hours_to_answer)
            and hours_to_end <= coalesce(resolution_hours, hours_to_end) as is_within_target
    from customer.interactions as contact join priced using (interaction_id) cross join operations.publication
    left join waited using (interaction_id)
    left join (from targeted where choice = 1) as targeted using (interaction_id)
    where contact.kind in ('request', 'complaint', 'incident', 'installation', 'maintenance', 'repair', 'warranty')
"""

BALANCES = """
    with point_value as (
        select sum(value_amount) / sum(points) as worth from relationship.rewards
        where kind <> 'gift' and value_amount is not null and points <> 0
    ),
    sums as (
        select customer_id,
            coalesce(sum(points) filter (kind = 'earned'), 0) as points_earned,
            coalesce(sum(points) filter (kind = 'redeemed'), 0) as points_redeemed,
            coalesce(sum(points) filter (kind = 'expired'), 0) as points_expired,
            count(*) filter (kind = 'gift') as gifts,
            coalesce(sum(value_amount) filter (kind = 'redeemed'), 0) as redeemed_amount,
            coalesce(sum(value_amount) filter (kind = 'gift'), 0) as gift_amount,
            max(rewarded_on) as last_rewarded_on
        from relationship.rewards group by customer_id
    ),
    lots as (
        select customer_id, expires_on, points,
            sum(points) over (partition by customer_id order by expires_on nulls last, rewarded_at,
                reward_id) as points_up_to_here
        from relationship.rewards where kind = 'earned'
    ),
    left_over as (
        select lots.customer_id, lots.expires_on,
            least(lots.points, greatest(0, points_up_to_here - points_redeemed - points_expired)) as points
        from lots join sums using (customer_id)
    ),
    expiring as (
        select customer_id,
            coalesce(sum(points) filter (expires_on < as_of_on), 0) as points_past_expiry,
            min(expires_on) filter (expires_on >= as_of_on and points > 0) as next_expires_on
        from left_over cross join operations.publication group by customer_id
    )
    select sums.*, points_earned - points_redeemed - points_expired as points_balance,
        coalesce(points_past_expiry, 0) as points_past_expiry, next_expires_on,
        coalesce((select sum(points) from left_over where left_over.customer_id = sums.customer_id
            and expires_on = next_expires_on), 0)
            as next_expiring_points,
        cast((points_earned - points_redeemed - points_expired) * worth as decimal(18, 4)) as open_amount
    from sums left join expiring using (customer_id) cross join point_value
"""

BASIC_SERVICE = """
    with sales as (
        select * from value.orders where not is_return
    ),
    placed as (
        select date_trunc('month', ordered_on)::date as month, coalesce(channel, '') as channel, count(*) as orders,
            count(*) filter (promised_on is not null and (delivered_on is not null or promised_on < as_of_on)) as due_orders,
            count(*) filter (delivered_on <= promised_on) as on_time_orders,
            count(*) filter (
                order_id in (select order_id from value.order_lines where is_return)
                or order_id in (select return_of_order_id from value.order_lines where return_of_order_id is not null)
            ) as returned_orders
        from sales cross join operations.publication group by all
    ),
    told as (
        select date_trunc('month', contact.opened_on)::date as month, contact.kind,
            coalesce(named.channel, before.channel, '') as channel
        from customer.interactions as contact
        left join value.orders as named using (order_id)
        left join lateral (
            select max_by(channel, ordered_at) as channel from sales
            where sales.customer_id = contact.customer_id and contact.customer_id > 0 and ordered_at <= contact.opened_at
        ) as before on true
        where contact.kind in ('complaint', 'incident')
    ),
    counted as (
        select month, channel, count(*) filter (kind = 'incident') as order_errors,
            count(*) filter (kind = 'complaint') as complaints
        from told group by all
    )
    select month, channel, coalesce(orders, 0) as orders, coalesce(due_orders, 0) as due_orders,
        coalesce(on_time_orders, 0) as on_time_orders,
        coalesce(returned_orders, 0) as returned_orders, coalesce(order_errors, 0) as order_errors,
            coalesce(complaints, 0) as complaints,
        on_time_orders / nullif(due_orders, 0) as on_time_share, returned_orders / nullif(orders, 0) as returned_share,
        100 * coalesce(order_errors, 0) / nullif(orders, 0) as order_errors_per_100_orders,
        100 * coalesce(complaints, 0) / nullif(orders, 0) as complaints_per_100_orders
    from placed full join counted using (month, channel)
"""

# `configured_defaults` holds what the company's configuration grants to those who said nothing
PERMISSIONS = """
    with purposes as (
        select distinct lower(purpose) as purpose from relationship.consents
        union select unnest(['relationship', 'transactional'])
    ),
    channels as (
        select channel from relationship.consents where channel is not null
        union select channel from customer.interactions where channel is not null and direction = 'outbound'
        union select channel from relationship.campaign_contacts where channel is not null
        union select channel from configured_defaults where channel is not null
        union select unnest(['email', 'phone', 'sms', 'post'])
    ),
    granted_by_default as (
        select distinct purposes.purpose, channels.channel from purposes cross join channels
        inner join configured_defaults as stated
            on (stated.purpose = purposes.purpose or (stated.purpose = 'relationship' and purposes.purpose <> 'transactional'))
            and (stated.channel is null or stated.channel = channels.channel)
    ),
    words as (
        select *, row_number() over (
            partition by customer_id order by decided_at, array_position(['granted', 'refused', 'withdrawn'], status),
                consent_id
        ) as sequence
        from relationship.consents
    ),
    last_words as (
        select customer_id, purposes.purpose, channels.channel, max_by(words.consent_id, sequence) as consent_id,
            max_by(status, sequence) as status, max_by(decided_on, sequence) as decided_on
        from words cross join purposes cross join channels
        where (words.purpose = purposes.purpose or (words.purpose = 'relationship' and purposes.purpose <> 'transactional'))
            and (words.channel is null or words.channel = channels.channel)
        group by all
    ),
    grounds as (
        select customer.customer_id, purposes.purpose, channels.channel, word.consent_id, word.status, word.decided_on,
            customer.is_erasure_requested,
            case
                when customer.is_erasure_requested then null
                when purposes.purpose = 'transactional' then 'transactional'
                when word.status = 'granted' then 'consent'
                when word.status is null and stated.channel is not null then 'default'
            end as basis,
            stated.channel is not null as is_granted_by_default,
            case replace(channels.channel, 'visit', 'post')
                when 'email' then customer.email is not null
                when 'phone' then customer.phone is not null
                when 'sms' then customer.phone is not null
                when 'post' then customer.street is not null and (customer.postal_code is not null or customer.city is not null)
                else true
            end as has_address
        from customer.customers as customer cross join purposes cross join channels
        left join last_words as word
            on word.customer_id = customer.customer_id and word.purpose = purposes.purpose and word.channel = channels.channel
        left join granted_by_default as stated on stated.purpose = purposes.purpose and stated.channel = channels.channel
        where customer.customer_id > 0
    )
    select customer_id, consent_id, purpose, channel, basis, status, decided_on,
        case
            when is_erasure_requested then 'erasure requested'
            when basis is null then coalesce(status, 'never asked')
            when not has_address then 'no address for the channel'
        end as reason,
        basis is not null and has_address as is_contactable, basis is not null as is_permitted, is_granted_by_default
    from grounds
"""
