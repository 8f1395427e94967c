{#
  A key of one or more columns that no two rows share and that has no null: the grain of a model.
  columns: the key's columns; without them the column that the test stands at.
#}
{% test unique_key(model, columns=none, column_name=none) %}
{%- set columns = columns or [column_name] %}
select {{ columns | join(', ') }}, count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1 {% for column in columns %} or {{ column }} is null {% endfor %}
{% endtest %}
