{#
    Whether what was decided about `word` speaks of `thing` too: an alias each, of rows with a purpose and a channel. A decision
    without a channel speaks of all channels, one about the relationship of every purpose but transactional contact.
#}
{% macro covers(word, thing) -%}
(
    ({{ word }}.channel is null or {{ word }}.channel = {{ thing }}.channel)
    and (
        {{ word }}.purpose = {{ thing }}.purpose
        or ({{ word }}.purpose = 'relationship' and {{ thing }}.purpose <> 'transactional')
    )
)
{%- endmacro %}
