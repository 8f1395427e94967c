{#
  Surrogate key of one version of a business key: a hash of both, the same on every machine. The
  instant ends the text and holds no bar, so that no two pairs give one text.
#}
{% macro version_key(business_key, valid_from) -%}
    md5({{ business_key }} || '|' || cast({{ valid_from }} as string))
{%- endmacro %}
