{#
  The text with e-mail addresses (also URL-encoded) and international phone numbers blotted out. A
  text with none of the signs that every match has is taken as it is, at a quarter of the cost. An
  escape right in front stays whole: JSON stays JSON.
#}
{% macro redact(text) %}{{ return(adapter.dispatch('redact')(text)) }}{% endmacro %}

{% macro default__redact(text) -%}
    case
        when
            contains({{ text }}, '@') or contains({{ text }}, '%40')
            or contains({{ text }}, '+') or contains({{ text }}, '%2B') or contains({{ text }}, '%2b')
            then regexp_replace(
                {{ text }},
                '(\\(?:u[0-9A-Fa-f]{4}|["\\/bfnrt]))?'
                || '(?:[\p{L}\p{N}._%+-]+(?:@|%40)[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+'
                || '|(?:\+|%2[Bb])[1-9](?:(?:[ ()./-]|%20|%28|%29){0,3}[0-9]){7,14})',
                '\1[redacted]',
                'g'
            )
        else {{ text }}
    end
{%- endmacro %}
