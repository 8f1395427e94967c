{#
  What touches keys of the model at hand, as a list of rules: those that follow from its feed's
  contract, then those of its config.meta.touched_by. A rule:

  changes_of  the model whose changed keys touch keys of this one; `stg_*` is each feed's
  where       which of its changes (a condition over the columns it logs)
  by          {this model's side: a column that changes_of logs}, or one name for both
  through     the relation that knows keys and this model's side of `by`: a model, `this` (the rows as
              they stand) or a table of bronze as bronze.table. Left out: the log itself has the key.
              With `through` and no `by`, any change touches every key of `through`.
  since       {instant of `through`: an instant that changes_of logs}: only rows from then on
  matters     a column that changes_of logs: only keys of which it is another now, or that came or went
  keys        {key column: expression over `through` or the log}, where the names differ
  only        which rows of `through`
#}
{% macro touch_rules() %}
    {% set feed = feed_of(model) %}
    {% set rules = [] %}
    {% if feed and model.name == 'stg_' ~ feed %}
        {% do rules.extend(staging_rules(feed)) %}
    {% elif feed and model.name == feed ~ '_history' %}
        {% do rules.append({'changes_of': feed ~ '_versions'}) %}
    {% elif feed %}
        {% do rules.append({'changes_of': 'stg_' ~ feed}) %}
        {# A full list deletes what it does not name: each delivery touches every key. #}
        {% if contract(feed).extract == 'full' %}
            {% do rules.append({
                'changes_of': 'deliveries',
                'where': "feed = '" ~ feed ~ "'",
                'through': 'stg_' ~ feed,
            }) %}
        {% endif %}
    {% endif %}
    {% for rule in model.config.meta.get('touched_by', []) %}
        {% for feed in (var('feeds') if rule.changes_of == 'stg_*' else [none]) %}
            {% do rules.append(dict(rule, changes_of='stg_' ~ feed) if feed else rule) %}
        {% endfor %}
    {% endfor %}
    {{ return(rules) }}
{% endmacro %}
