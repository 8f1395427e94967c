{#
  Versions that a snapshot's current belief does not hold as they are computed today, and the other
  way round. versions: the model the snapshot records; columns: what must agree.
#}
{% test current_belief_is_versions(model, versions, columns) %}
with believed as (
    select {{ columns | join(', ') }} from {{ model }} where dbt_valid_to is null
),

computed as (
    select {{ columns | join(', ') }}
    from {{ versions }}
    where {{ is_changed(tested_node().name) if execute else 'true' }}
)

(select * from believed except all select * from computed)
union all
(select * from computed except all select * from believed)
{% endtest %}
