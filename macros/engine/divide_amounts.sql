{#
  Exact quotient of two numbers of at most 2 decimals, rounded half away from zero to 2 digits, as
  decimal(38, 2); null when either is null or the divisor is 0. Division of decimals gives a double
  in DuckDB, and 2.01 / 2 as a double rounds to 1.00. The divisor must be positive.
#}
{% macro divide_amounts(amount, divisor) %}{{ return(adapter.dispatch('divide_amounts')(amount, divisor)) }}{% endmacro %}

{% macro default__divide_amounts(amount, divisor) -%}
    {%- set hundredths = 'cast(cast(' ~ amount ~ ' as decimal(38, 2)) * 10000 as hugeint)' -%}
    {%- set unit = 'cast(cast(' ~ divisor ~ ' as decimal(38, 2)) * 100 as hugeint)' -%}
    cast(
        cast(
            sign({{ hundredths }}) * ((2 * abs({{ hundredths }}) + {{ unit }}) // nullif(2 * {{ unit }}, 0))
            as decimal(38, 0)
        ) * 0.01
        as decimal(38, 2)
    )
{%- endmacro %}
