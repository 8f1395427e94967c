with typed as (
    {{ typed_rows('clickstream') }}
),

known_event_types as (
    {{ lookup_windows('event_types', 'event_type') }}
),

in_context as (
    select
        typed.*,
        typed.event_type is null or known_event_types.looked_up is not null as is_event_type_known
    from typed
    left join known_event_types
        on {{ is_in_lookup('known_event_types', 'typed.event_type', 'typed.event_timestamp') }}
)

{{ judged_rows('clickstream', 'in_context') }}
