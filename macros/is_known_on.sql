{# Whether a row of known_spans was the newest word on its key at the end of a day. #}
{% macro is_known_on(spans, day) -%}
    {{ spans }}.known_from <= {{ day }}
    and coalesce({{ spans }}.known_until > {{ day }}, true)
{%- endmacro %}
