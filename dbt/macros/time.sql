{# The day on which an instant falls in the company's time zone. Staging computes it once; nothing else does. #}
{% macro local_date(instant) -%}
    {{ return(adapter.dispatch('local_date')(instant)) }}
{%- endmacro %}

{% macro default__local_date(instant) -%}
    cast(({{ instant }} at time zone {{ time_zone() }}) as date)
{%- endmacro %}

{% macro spark__local_date(instant) -%}
    to_date(convert_timezone(current_timezone(), {{ time_zone() }}, cast({{ instant }} as timestamp_ntz)))
{%- endmacro %}


{# The company's time zone. #}
{% macro time_zone() -%}
    (select time_zone from {{ source('run', 'context') }})
{%- endmacro %}


{# The run's as-of day: nothing later exists for this run. #}
{% macro as_of() -%}
    (select as_of_on from {{ source('run', 'context') }})
{%- endmacro %}


{# Days from one date to a later one. #}
{% macro days_from(first_day, second_day) -%}
    {{ dbt.datediff(first_day, second_day, 'day') }}
{%- endmacro %}


{# The first day of a date's month. #}
{% macro month_of(date) -%}
    cast(date_trunc('month', {{ date }}) as date)
{%- endmacro %}


{# One row per day, column `day`, both ends included. #}
{% macro each_day(first_day, last_day) -%}
    {{ return(adapter.dispatch('each_day')(first_day, last_day)) }}
{%- endmacro %}

{% macro default__each_day(first_day, last_day) -%}
    select cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date) as day
{%- endmacro %}

{% macro spark__each_day(first_day, last_day) -%}
    select explode(sequence({{ first_day }}, {{ last_day }}, interval 1 day)) as day
{%- endmacro %}


{# The date, if the as-of day has reached it; what happens later is not known yet. #}
{% macro known_by_as_of(date) -%}
    case when {{ date }} <= {{ as_of() }} then {{ date }} end
{%- endmacro %}


{# Months counted through the years, so that a span of months is a difference of integers. #}
{% macro month_number(date) -%}
    cast(extract(year from {{ date }}) * 12 + extract(month from {{ date }}) as int)
{%- endmacro %}


{# The date so many days after another. #}
{% macro days_after(date, days) -%}
    {{ return(adapter.dispatch('days_after')(date, days)) }}
{%- endmacro %}

{% macro default__days_after(date, days) -%}
    ({{ date }} + cast({{ days }} as int))
{%- endmacro %}

{% macro spark__days_after(date, days) -%}
    date_add({{ date }}, cast({{ days }} as int))
{%- endmacro %}


{# Whole minutes from one instant to another: how often the clock's minute changes. #}
{% macro minutes_from(first_instant, second_instant) -%}
    {{ return(adapter.dispatch('minutes_from')(first_instant, second_instant)) }}
{%- endmacro %}

{% macro default__minutes_from(first_instant, second_instant) -%}
    {{ dbt.datediff(first_instant, second_instant, 'minute') }}
{%- endmacro %}

{% macro spark__minutes_from(first_instant, second_instant) -%}
    (unix_seconds({{ second_instant }}) div 60 - unix_seconds({{ first_instant }}) div 60)
{%- endmacro %}


{# The type of an instant, as the contract states it: DuckDB's own name for it is none that Spark knows. #}
{% macro type_instant() -%}
    {{ return(adapter.dispatch('type_instant')()) }}
{%- endmacro %}

{% macro default__type_instant() -%}
    timestamptz
{%- endmacro %}

{% macro spark__type_instant() -%}
    timestamp
{%- endmacro %}
