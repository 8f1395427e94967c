{{ config(meta={'dagster': {'ref': {'name': 'quarantine'}}}) }}
-- Feeds that have a contract but do not stand in the var `feeds`, and the other way round.
{%- set with_contract = [] -%}
{%- for node in graph.sources.values() if 'contract' in node.config.meta -%}
{%- do with_contract.append(node.name) -%}
{%- endfor %}
select 'contracts in models/bronze and vars.feeds in dbt_project.yml differ' as problem
where {{ 'false' if with_contract | sort == var('feeds') | sort else 'true' }}
-- Dagster shows it as a check of the quarantine. depends_on: {{ ref('quarantine') }}
