{#
  Whether a trimmed value is in a lookup on the day of an instant: the condition of a join with
  `windows`, a step of lookup_windows. At most one window joins: of one day because windows do not
  overlap; where the instant is null, any window will do, and the first is taken.
#}
{% macro is_in_lookup(windows, value, instant) -%}
    lower({{ value }}) = {{ windows }}.looked_up
        and {{ in_window(windows, 'cast(' ~ instant ~ ' as date)') }}
        and ({{ instant }} is not null or {{ windows }}.is_first_window)
{%- endmacro %}
