{%- set columns = [
    'metric', 'label', 'description', 'unit', 'relation_name', 'time_column', 'aggregate',
    'numerator', 'denominator'
] -%}
with definitions ({{ columns | join(', ') }}) as (
    values
    {% for definition in (metric_definitions() if execute else []) -%}
    ({{ text_literals(definition, columns) }}){{ ',' if not loop.last }}
    {% endfor %}
)

select
    metric,
    label,
    description,
    unit,
    relation_name,
    time_column,
    aggregate,
    numerator,
    denominator
from definitions
