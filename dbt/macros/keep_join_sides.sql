{#
    Hooks for a model that joins millions of rows to a small table. Behind staging's filters DuckDB takes the millions for
    the smaller side, and would build its hash table on them: twice the memory. The models name the large side first.
#}
{% macro keep_join_sides() -%}
    {{ return(adapter.dispatch('keep_join_sides')()) }}
{%- endmacro %}

{% macro default__keep_join_sides() %}{% endmacro %}

{% macro duckdb__keep_join_sides() -%}
    set disabled_optimizers = 'build_side_probe_side'
{%- endmacro %}


{% macro choose_join_sides() -%}
    {{ return(adapter.dispatch('choose_join_sides')()) }}
{%- endmacro %}

{% macro default__choose_join_sides() %}{% endmacro %}

{% macro duckdb__choose_join_sides() -%}
    reset disabled_optimizers
{%- endmacro %}
