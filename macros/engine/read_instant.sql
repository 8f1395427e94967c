{#
  A delivered text read as an instant, as a UTC timestamp: ISO 8601 with T or a space, with or
  without offset (none is UTC), or a day alone, from the year 1000 on. A plain cast to timestamp drops the offset in
  silence; through epoch_us it is kept, at a third of the cost of ::timestamptz::timestamp.
#}
{% macro read_instant(text) %}{{ return(adapter.dispatch('read_instant')(text)) }}{% endmacro %}

{% macro default__read_instant(text) -%}
    {%- set day = '[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}' -%}
    {%- set time = '[T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9]([.][0-9]+)?' -%}
    case
        when {{ matches(text, '^' ~ day ~ '(' ~ time ~ ')?$') }}
            then try_cast({{ text }} as timestamp)
        when {{ matches(text, '^' ~ day ~ time ~ '(Z|[+-](0[0-9]|1[0-8]):?[0-5][0-9]|[+-](0[0-9]|1[0-8]))$') }}
            then make_timestamp(epoch_us(try_cast({{ text }} as timestamptz)))
    end
{%- endmacro %}
