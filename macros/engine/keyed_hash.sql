{#
  HMAC-SHA-256 (RFC 2104) of a text under the key of personal identifiers, lower-case hex.
  The key never stands in SQL: the plugin orchestration/dbt_plugin.py gives every cursor its two
  pads as variables. A cursor without them would hash to null in silence, so it raises.
#}
{% macro keyed_hash(text) %}{{ return(adapter.dispatch('keyed_hash')(text)) }}{% endmacro %}

{% macro default__keyed_hash(text) -%}
    case
        when getvariable('pii_outer_pad') is null
            then error('The key of personal identifiers is missing: use the profile of this project.')
        else sha256(
            getvariable('pii_outer_pad')
            || unhex(sha256(getvariable('pii_inner_pad') || encode({{ text }})))
        )
    end
{%- endmacro %}
