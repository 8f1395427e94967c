{#
  round(quantity × unit_price × (1 − discount_percent / 100), 2), half away from zero, on exact
  decimals: a division would pass through a double. A null discount is 0. Null where an absurd
  discount, of a line that is held back anyway, makes it too large.
#}
{% macro net_amount(quantity, unit_price, discount_percent) -%}
    try_cast(round(
        cast({{ quantity }} as decimal(20, 0)) * {{ unit_price }}
        * (100 - coalesce({{ discount_percent }}, 0)) * 0.01,
        2
    ) as decimal(18, 2))
{%- endmacro %}
