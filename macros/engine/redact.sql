{# The text with e-mail addresses (also URL-encoded) and international phone numbers blotted out. #}
{% macro redact(text) %}{{ return(adapter.dispatch('redact')(text)) }}{% endmacro %}

{% macro default__redact(text) -%}
    regexp_replace(
        {{ text }},
        '[A-Za-z0-9._%+-]+(@|%40)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|(\+|%2B)[1-9]([ ().-]?[0-9]){7,14}',
        '[redacted]',
        'g'
    )
{%- endmacro %}
