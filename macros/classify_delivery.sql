{#
  Class of a delivery by its delay (days after the promise; null when nothing was promised, and then
  nothing is late).
#}
{% macro classify_delivery(is_delivered, delay_days) -%}
    case
        when not {{ is_delivered }} then 'Pending'
        when coalesce({{ delay_days }}, 0) <= 0 then 'On Time'
        when {{ delay_days }} = 1 then 'Slightly Delayed'
        else 'Delayed'
    end
{%- endmacro %}
