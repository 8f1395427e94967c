{#
  valid_from of a dimension's version: the first version of a key is valid from 1900-01-01, so that
  facts older than the first delivery join.
#}
{% macro open_first_version(business_key) -%}
    case
        when valid_from = min(valid_from) over (partition by {{ business_key }})
            then least(valid_from, timestamp '1900-01-01 00:00:00')
        else valid_from
    end
{%- endmacro %}
