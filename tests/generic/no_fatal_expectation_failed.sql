{# Expectations with the action fail that rows of this build did not meet: nothing is published. #}
{% test no_fatal_expectation_failed(model) %}
select feed, expectation, rows_failed
from {{ model }}
where build_id = '{{ invocation_id }}' and action = 'fail' and rows_failed > 0
{% endtest %}
