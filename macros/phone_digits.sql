{# The digits of a phone number. #}
{% macro phone_digits(text) -%}
    translate({{ text }}, translate({{ text }}, '0123456789', ''), '')
{%- endmacro %}
