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
  of_full_lists   feeds (with changes_of deliveries): the rule holds for those of them that come as
              full lists, where each delivery may delete any key
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
        {% do rules.append({
            'changes_of': 'deliveries', 'of_full_lists': [feed], 'through': 'stg_' ~ feed
        }) %}
    {% endif %}
    {% do rules.extend(model.config.meta.get('touched_by', [])) %}
    {% set found = [] %}
    {% for rule in rules %}
        {% if rule.changes_of == 'stg_*' %}
            {% for feed in var('feeds') %}
                {% do found.append(dict(rule, changes_of='stg_' ~ feed)) %}
            {% endfor %}
        {% elif rule.of_full_lists %}
            {% for feed in rule.of_full_lists if contract(feed).extract == 'full' %}
                {% do found.append(dict(rule, where="feed = '" ~ feed ~ "'")) %}
            {% endfor %}
        {% else %}
            {% do found.append(rule) %}
        {% endif %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}
