{#
  The columns of a feed that patches change in rows that count, as a list, asked while a model is
  compiled: a feed without patches pays nothing for them. Empty also where the seed was never built.
#}
{% macro patched_columns(feed) %}
    {% set cells = patches_in_ledger() %}
    {% if not execute or not load_relation(ref('patches')) %}
        {{ return([]) }}
    {% endif %}
    {% set found = run_query(
        "select distinct column_name from (" ~ cells ~ ") where feed = '" ~ feed ~ "' order by 1"
    ).columns[0].values() %}
    {% set known = contract(feed).columns | map(attribute='name') | list + ['_op'] %}
    {{ return(found | select('in', known) | list) }}
{% endmacro %}
