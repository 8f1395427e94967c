{# That a personal value is there, without the value. #}
{% macro blot_out(text) -%} case when {{ text }} is not null then '[personal]' end {%- endmacro %}
