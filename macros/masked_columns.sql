{#
  What silver holds in place of a column, as a list of {name, expression}: the column itself,
  or for personal data what its mask leaves. Expressions read the typed column.
#}
{% macro masked_columns(column) %}
    {% set name = column.name %}
    {% if column.get('mask') == 'drop' %}
        {{ return([]) }}
    {% elif column.get('mask') == 'email' %}
        {% set address = 'lower(' ~ name ~ ')' %}
        {% set domain = "split_part(" ~ address ~ ", '@', 2)" %}
        {{ return([
            {'name': name ~ '_hash',
             'expression': 'case when ' ~ name ~ ' is not null then ' ~ keyed_hash(address) ~ ' end'},
            {'name': name ~ '_domain',
             'expression': 'case when ' ~ is_email(name) ~ ' then ' ~ domain ~ ' end'},
            {'name': 'has_' ~ name, 'expression': name ~ ' is not null'},
        ]) }}
    {% elif column.get('mask') == 'phone' %}
        {{ return([{'name': name ~ '_masked', 'expression': mask_phone(name)}]) }}
    {% elif column.get('mask') == 'year' %}
        {% set year_name = 'birth_year' if name == 'date_of_birth' else name ~ '_year' %}
        {{ return([{'name': year_name, 'expression': 'cast(extract(year from ' ~ name ~ ') as bigint)'}]) }}
    {% elif column.get('mask') == 'redact' %}
        {{ return([{'name': name, 'expression': redact(name)}]) }}
    {% endif %}
    {{ return([{'name': name, 'expression': name}]) }}
{% endmacro %}
