{# A phone number with all but its last two digits masked; wholly masked when it is no number. #}
{% macro mask_phone(text) -%}
    case
        when length({{ phone_digits(text) }}) between 7 and 15
            then '*******' || right({{ phone_digits(text) }}, 2)
        when {{ text }} is not null then '*********'
    end
{%- endmacro %}
