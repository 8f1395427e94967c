{% for feed in var('feeds') %}
{{ expectation_counts(feed) }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
