with

contracts as (

    select * from {{ ref('int_contracts_identified') }}
    where customer_id <> 0

),

-- Of rows that state the same amount the first counts: a later one speaks of something else.
versions as (

    select
        versions.*,
        row_number() over by_version as version_number,
        coalesce(versions.source_recurring_amount, versions.recurring_amount, 0) as stated_amount,
        lag(coalesce(versions.source_recurring_amount, versions.recurring_amount, 0)) over by_version as amount_before,
        lag(versions.period_months) over by_version as period_before,
        lag(versions.currency) over by_version as currency_before,
        lead(versions.stated_on) over by_version as followed_on
    from {{ ref('stg_contract_versions') }} as versions
    window
        by_version as (
            partition by versions.contract_id
            order by versions.version asc nulls last, versions.content_hash asc nulls last
        )

),

prices as (

    select
        versions.contract_id,
        versions.recurring_amount,
        versions.period_months,
        versions.version_number,
        case
            when versions.version_number = 1 then contracts.started_on
            else greatest(coalesce(versions.amount_from_on, versions.stated_on), contracts.started_on)
        end as from_on
    from versions
    inner join contracts on versions.contract_id = contracts.contract_id
    where
        versions.version_number = 1
        or versions.stated_amount <> versions.amount_before
        or versions.period_months <> versions.period_before
        or coalesce(versions.currency, '') <> coalesce(versions.currency_before, '')

),

price_spells as (

    select
        *,
        lead(from_on) over (
            partition by contract_id order by from_on asc nulls last, version_number asc nulls last
        ) as until_on
    from prices
    where from_on <= {{ as_of() }}

),

-- A pause lasts until the day that is stated, else until a later version tells of it no more.
pauses as (

    select
        contract_id,
        paused_on,
        coalesce(resumed_on, followed_on) as resumed_on
    from (
        select
            *,
            row_number() over (
                partition by contract_id, paused_on order by version_number desc nulls last
            ) as age
        from versions
        where paused_on <= {{ as_of() }}
    ) as told
    where age = 1

),

cuts as (

    select
        contract_id,
        from_on
    from price_spells
    union
    select
        contract_id,
        paused_on
    from pauses
    union
    select
        contract_id,
        resumed_on
    from pauses
    where resumed_on <= {{ as_of() }}

),

spells as (

    select
        contracts.contract_id,
        contracts.customer_id,
        contracts.over_on,
        cuts.from_on,
        lead(cuts.from_on) over (
            partition by contracts.contract_id order by cuts.from_on asc nulls last
        ) as followed_on
    from cuts
    inner join contracts
        on
            cuts.contract_id = contracts.contract_id
            and cuts.from_on >= contracts.started_on
            and cuts.from_on < coalesce(contracts.over_on, cuts.from_on + 1)

),

paused_spells as (

    select
        spells.contract_id,
        spells.from_on,
        max(pauses.paused_on) as paused_on,
        case when count(*) = count(pauses.resumed_on) then max(pauses.resumed_on) end as resumed_on
    from spells
    inner join pauses
        on
            spells.contract_id = pauses.contract_id
            and spells.from_on >= pauses.paused_on
            and spells.from_on < coalesce(pauses.resumed_on, spells.from_on + 1)
    group by spells.contract_id, spells.from_on

),

contract_spells as (

    select
        ---------- ids
        spells.contract_id,
        spells.customer_id,

        ---------- amounts, company currency, without tax
        {{ money('prices.recurring_amount') }} as recurring_amount,
        prices.period_months,
        {{ money('case
            when pauses.paused_on is null then cast(prices.recurring_amount as double) / prices.period_months else 0
        end') }}
            as monthly_amount,

        ---------- booleans
        pauses.paused_on is not null as is_paused,
        spells.followed_on is null as is_last,

        ---------- dates; the spell lasts until the day before until_on
        spells.from_on,
        coalesce(spells.followed_on, spells.over_on) as until_on,
        pauses.paused_on,
        pauses.resumed_on

    from spells
    inner join price_spells as prices
        on
            spells.contract_id = prices.contract_id
            and spells.from_on >= prices.from_on
            and spells.from_on < coalesce(prices.until_on, spells.from_on + 1)
    left join paused_spells as pauses
        on spells.contract_id = pauses.contract_id and spells.from_on = pauses.from_on

)

select * from contract_spells
