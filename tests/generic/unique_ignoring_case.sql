{# Values of a column that are the same when trimmed and lower-cased, as lookups compare them. #}
{% test unique_ignoring_case(model, column_name) %}
select lower(trim({{ column_name }})) as compared, count(*) as row_count
from {{ model }}
group by lower(trim({{ column_name }}))
having count(*) > 1
{% endtest %}
