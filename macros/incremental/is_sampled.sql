{#
  is_changed for a test that costs as much as its model: of a sample of the changed keys.
  name: the node; sample: how many keys at most; columns: as in is_touched.
#}
{% macro is_sampled(name, sample, columns=none) -%}
    {{ is_changed(name, columns, sample=sample) }}
{%- endmacro %}
