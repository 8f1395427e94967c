{#
  Rows of a fact whose surrogate key is not the version valid at their time: a key of another business
  key or of another time, or the unknown member although a version is valid. That at most one is valid
  at a time is a test of the dimension (intervals_do_not_overlap).
  key: surrogate key, of one name in both; business_key: of one name in both but for `fact_key`;
  instant: when the fact happened; dimension: where the versions are.
#}
{% test joins_version_at(model, key, business_key, instant, dimension, fact_key=none) %}
{%- set is_valid -%}
facts.business_key = versions.business_key
    and facts.happened_at >= versions.valid_from
    and (facts.happened_at < versions.valid_to or versions.valid_to is null)
{%- endset -%}
with facts as (
    select
        {{ key }} as version_key,
        {{ fact_key or business_key }} as business_key,
        {{ instant }} as happened_at
    from {{ model }}
),

versions as (
    select
        {{ key }} as version_key,
        {{ business_key }} as business_key,
        valid_from,
        valid_to
    from {{ dimension }}
    where {{ business_key }} is not null
)

select facts.*
from facts
left join versions on facts.version_key = versions.version_key
where facts.version_key is distinct from '-1' and ({{ is_valid }}) is not true
union all
select facts.*
from facts
inner join versions on {{ is_valid }}
where facts.version_key = '-1'
{% endtest %}
