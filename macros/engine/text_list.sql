{# A list of the texts that are not null, in their order. `texts`: list of SQL expressions. #}
{% macro text_list(texts) %}{{ return(adapter.dispatch('text_list')(texts)) }}{% endmacro %}

{% macro default__text_list(texts) -%}
    {%- if not texts -%} []::varchar[]
    {%- else -%}
    list_filter(
        [
            {{ texts | join(',\n            ') }}
        ]::varchar[],
        lambda reason: reason is not null
    )
    {%- endif -%}
{%- endmacro %}

{% macro spark__text_list(texts) -%}
    filter(cast(array({{ texts | join(', ') }}) as array<string>), reason -> reason is not null)
{%- endmacro %}
