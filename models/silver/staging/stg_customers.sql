with typed as (
    {{ typed_rows('customers') }}
),

in_context as (
    select
        *,
        {{ is_email('email') }} as is_email_well_formed,
        length({{ phone_digits('phone') }}) between 7 and 15 as is_phone_well_formed
    from typed
)

{{ judged_rows('customers', 'in_context', history=true) }}
