{#
  The order of versions of one key, newest first: sequence time, batch date, file name, record
  number; never the order of arrival.
#}
{% macro newer_first() -%}
    _sequence_at desc, _batch_date desc, _file_name desc, _row_number desc
{%- endmacro %}
