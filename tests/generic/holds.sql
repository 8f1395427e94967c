{# Rows for which a condition is not true; null is not true. condition: over the model's columns. #}
{% test holds(model, condition) %}
select *
from {{ model }}
where ({{ condition }}) is not true
{% endtest %}
