{#
  Second half of a staging model: the rows of `step` with what silver may hold of them, their
  rejection_reasons and their warnings. Accepted is: no rejection reasons. With `history` the row
  gets version_hash, a keyed hash over all tracked columns, null for a deletion.
#}
{% macro judged_rows(feed, step, history=false) %}
    {%- if execute -%}
        {%- set feed_contract = contract(feed) -%}
        {%- set meta = graph.nodes['model.' ~ project_name ~ '.stg_' ~ feed].config.meta -%}
        {%- set rejections = [] -%}
        {%- set warnings = [] -%}
        {%- for expectation in expectations(feed) -%}
            {%- set applies = {'all': '', 'upserts': 'not is_deletion and ',
                               'deletions': 'is_deletion and '}[expectation.judges] -%}
            {%- set reason = "case when " ~ applies ~ "not (" ~ expectation.condition ~ ") then '"
                ~ expectation.name ~ "' end" -%}
            {%- do (warnings if expectation.action == 'warn' else rejections).append(reason) -%}
        {%- endfor -%}
        select
        {%- for column in feed_contract.columns %}
            {%- for masked in masked_columns(column) %}
            {{ masked.expression }} as {{ masked.name }},
            {%- endfor %}
        {%- endfor %}
        {%- if history %}
            case when not is_deletion then {{ version_hash(feed_contract) }} end as version_hash,
        {%- endif %}
            {{ meta.get('amount', 'cast(null as decimal(38, 2))') }} as _amount,
            is_deletion,
            coalesce({{ feed_contract.sequence or 'null' }}, cast(_batch_date as timestamp))
                as _sequence_at,
            _file_id,
            _file_name,
            _row_number,
            _batch_date,
            {{ text_list(rejections) }} as rejection_reasons,
            {{ text_list(warnings) }} as warnings,
            {{ list_length("rejection_reasons") }} = 0 as is_accepted
        from {{ step }}
    {%- endif -%}
{% endmacro %}
