{#
  A delivered text (trimmed, null when empty) read as a type of the contract; null when it does not
  read. Casts alone are lenient ('2.5' as integer is 3, '0x10' is 16), so a pattern stands beside
  each. A narrow decimal is read as a wide one first: cast at once, a number with an exponent may be
  cut where it should be rounded, or taken though it is too large ('1.843e2' as decimal(4,2)); and of
  one with more than 40 characters digits would be lost before the exponent counts.
#}
{% macro read_as(type, text) -%}
    {%- if type == 'text' -%} {{ text }}
    {%- elif type == 'integer' -%}
        case
            when {{ matches(text, '^[+-]?[0-9]+$') }} then try_cast({{ text }} as bigint)
            when {{ matches(text, '^[+-]?[0-9]+[.]0*$') }}
                then try_cast(split_part({{ text }}, '.', 1) as bigint)
        end
    {%- elif type.startswith('decimal') -%}
        {%- set scale = type.split(',')[1] | replace(')', '') -%}
        {%- set number = '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)' -%}
        case
            when
                {{ matches(text, number ~ '$') }}
                or (length({{ text }}) <= 40 and {{ matches(text, number ~ '[eE][+-]?[0-9]+$') }})
                then try_cast(try_cast({{ text }} as decimal(38, {{ scale }})) as {{ type }})
        end
    {%- elif type == 'boolean' -%}
        case
            when lower({{ text }}) in ('true', 't', 'yes', 'y', '1') then true
            when lower({{ text }}) in ('false', 'f', 'no', 'n', '0') then false
        end
    {%- elif type == 'instant' -%} {{ read_instant(text) }}
    {%- elif type == 'date' -%} cast({{ read_instant(text) }} as date)
    {%- elif type == 'json' -%} {{ read_json_text(text) }}
    {%- else -%} {{ exceptions.raise_compiler_error('No reading is known for the type ' ~ type) }}
    {%- endif -%}
{%- endmacro %}
