-- Feeds that have a contract but do not stand in the var `feeds`, and the other way round.
{%- set with_contract = [] -%}
{%- for node in graph.sources.values() if node.source_name == 'bronze'
    and node.config.meta.get('contract') -%}
    {%- do with_contract.append(node.name) -%}
{%- endfor %}
select 'not in both: a contract in models/bronze and vars.feeds in dbt_project.yml' as problem
where {{ 'false' if with_contract | sort == var('feeds') | sort else 'true' }}
