{#
  How far a delivery of a feed may be off before the circuit breaker opens, as a dict: what the option
  `breaker` of its contract says, over the defaults. None where the contract says `breaker: false`.

  min_dates           so many earlier batch dates must be there; before that nothing is judged
  recent_dates        so many of them, the newest, are compared with
  deviations          so many deviations (1.4826 x MAD) from the median are still usual
  volume_factor       rows up to so many times the median, or down to that part of it, are usual
  quarantine_share    so much more of the rows (0 to 1) than the median share may go to quarantine
  min_rows            so many rows more, fewer or quarantined are never too many
#}
{% macro breaker_limits(feed) %}
    {% set options = contract(feed).breaker %}
    {% if options is sameas false %}
        {{ return(none) }}
    {% endif %}
    {{ return(dict({
        'min_dates': 7,
        'recent_dates': 14,
        'deviations': 5,
        'volume_factor': 2.5,
        'quarantine_share': 0.1,
        'min_rows': 20,
    }, **(options or {}))) }}
{% endmacro %}
