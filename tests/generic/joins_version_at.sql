{#
  Rows of a fact whose surrogate key is not the version valid at their time: a key of another business
  key or of another time, or the unknown member although a version is valid.
  key: surrogate key, of one name in both; business_key: of one name in both but for `fact_key`;
  instant: when the fact happened; dimension: where the versions are.
#}
{% test joins_version_at(model, key, business_key, instant, dimension, fact_key=none) %}
{%- set fact_key = fact_key or business_key -%}
with facts as (
    select
        {{ key }} as version_key,
        {{ fact_key }} as business_key,
        {{ instant }} as happened_at,
        count(*) as facts
    from {{ model }}
    group by 1, 2, 3
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

select
    facts.version_key,
    facts.business_key,
    facts.happened_at,
    min(versions.version_key) as valid_key
from facts
left join versions
    on facts.business_key = versions.business_key
    and facts.happened_at >= versions.valid_from
    and (facts.happened_at < versions.valid_to or versions.valid_to is null)
group by 1, 2, 3
having count(versions.version_key) > 1 or facts.version_key <> coalesce(valid_key, '-1')
{% endtest %}
