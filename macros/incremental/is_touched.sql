{#
  Whether a row belongs to a touched key; true for every row when the model is built whole.
  columns: expressions over the row that stand for the model's key columns, in their order; left out:
  those columns themselves.
#}
{% macro is_touched(columns=none) -%}
    {%- if is_by_touched_keys() and touch_rules() -%}
    ({{ (columns or key_columns(model)) | join(', ') }})
    in (select {{ key_columns(model) | join(', ') }} from touched__{{ model.name }})
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}
