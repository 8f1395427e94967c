{# Whether an instant is not after the end of the row's batch date + 1 day. #}
{% macro not_in_future(instant) -%}
    {{ instant }} <= cast(_batch_date as timestamp) + interval '2' day
{%- endmacro %}
