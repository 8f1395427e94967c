{#
  From when on a version that differs gives facts another version than before, over the differing rows
  of a history: where only its end moved, from the earlier of both ends; else from its beginning, the
  first one's being open.
#}
{% macro affected_from(key) -%}
    case
        when count(*) over (
            partition by {{ key | join(', ') }}, valid_from, version_hash, is_first_version
        ) = 2
            then min(coalesce(valid_to, timestamp '9999-12-31 00:00:00')) over (
            partition by {{ key | join(', ') }}, valid_from, version_hash, is_first_version
        )
        when is_first_version then timestamp '0001-01-01 00:00:00'
        else valid_from
    end
{%- endmacro %}
