with typed as (
    {{ typed_rows('clickstream') }}
),

known_event_types as (
    {{ known_in_lookup('typed', 'event_type', 'event_timestamp', 'event_types', 'event_type') }}
),

in_context as (
    select
        typed.*,
        typed.event_type is null or known_event_types.event_type is not null as is_event_type_known
    from typed
    left join known_event_types
        on typed.event_type = known_event_types.event_type
        and cast(typed.event_timestamp as date) is not distinct from known_event_types.day
)

{{ judged_rows('clickstream', 'in_context') }}
