{#
    Tables and views replaced in one transaction: what was there is dropped, what is new bears its name from the start.

    dbt's own materializations build beside, rename twice and drop, with as many rendered macros, for every model; here a model
    that fails rolls the transaction back, and the table of the last run stands. No table of this project has foreign keys.
    A Python model may write with a cursor of its own, which sees no open transaction: it builds beside, and is renamed.
#}
{% materialization table, adapter="duckdb", supported_languages=["sql", "python"] %}
    {%- set target_relation = this.incorporate(type="table") -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks) }}
    {% if model["language"] == "sql" %}
        {% do drop_in_transaction(existing_relation) %}
        {% call statement("main") -%} {{ create_table_as(False, target_relation, compiled_code) }} {%- endcall %}
    {% else %}
        {%- set beside = make_intermediate_relation(target_relation) -%}
        {{ drop_relation_if_exists(load_cached_relation(beside)) }}
        {% call statement("main", language="python") -%}
            {{ create_table_as(False, beside, compiled_code, "python") }}
        {%- endcall %}
        {{ drop_relation_if_exists(existing_relation) }}
        {{ adapter.rename_relation(beside, target_relation) }}
    {% endif %}
    {% do create_indexes(target_relation) %}
    {{ run_hooks(post_hooks) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}


{% materialization view, adapter="duckdb" %}
    {%- set target_relation = this.incorporate(type="view") -%}
    {{ run_hooks(pre_hooks) }}
    {% do drop_in_transaction(load_cached_relation(this)) %}
    {% call statement("main") -%} {{ get_create_view_as_sql(target_relation, sql) }} {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}


{% macro drop_in_transaction(relation) %}
    {% if relation is not none %}
        {% call statement("drop") -%} drop {{ relation.type }} if exists {{ relation }} {%- endcall %}
    {% endif %}
{% endmacro %}
