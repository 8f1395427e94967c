{#
  A delivered text without the spaces around it; null when nothing is left. DuckDB's trim looks at
  every character: only texts that it may change go through it, at a third of the cost. Characters
  beyond ASCII may be spaces too.
#}
{% macro trimmed(text) %}{{ return(adapter.dispatch('trimmed')(text)) }}{% endmacro %}

{% macro default__trimmed(text) -%}
    nullif(case
        when {{ text }} like ' %' or {{ text }} like '% ' or strlen({{ text }}) <> length({{ text }})
            then trim({{ text }})
        else {{ text }}
    end, '')
{%- endmacro %}

{% macro spark__trimmed(text) -%} nullif(trim({{ text }}), '') {%- endmacro %}
