{# Whether a text has the form of an e-mail address; null for null. #}
{% macro is_email(text) -%}
    {{ matches(text, '^[^@[:space:]]+@[^@[:space:].]+([.][^@[:space:].]+)+$') }}
{%- endmacro %}
