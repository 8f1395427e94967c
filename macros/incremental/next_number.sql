{# The number of the change that is being written to a model: they count up for each model. #}
{% macro next_number(name) -%}
    (select coalesce(max(number), 0) + 1 from changes.written where model = '{{ name }}')
{%- endmacro %}
