-- Payments, judged in the same way.

create temp table payment_rows as
with typed as (
    select
        clean(transaction_id) as transaction_id, clean(order_id) as order_id,
        clean(payment_method) as payment_method, clean(amount) as amount_text,
        try_cast(amount_text as decimal(18, 2)) as amount, upper(clean(currency)) as currency,
        clean(status) as raw_status, clean(is_international) as international,
        try_cast(international as boolean) as is_international,
        clean(transaction_timestamp) as happened,
        try_cast(happened as timestamp) as transaction_at, clean(risk_score) as risk_text,
        try_cast(risk_text as bigint) as risk_score,
        file, batch_day(file) as batch_date, rowid as record
    from raw_payments
)

select
    typed.* exclude (amount_text, raw_status, international, happened, risk_text),
    coalesce(statuses.status, upper(typed.raw_status)) as status,
    coalesce(transaction_at, typed.batch_date) as changed_at,
    concat_ws(
        ', ',
        case when transaction_id is null then 'transaction_id_missing' end,
        case when amount_text is null then 'amount_missing' end,
        case when amount_text is not null and amount is null then 'amount_invalid' end,
        case when international is not null and is_international is null
            then 'is_international_invalid' end,
        case when happened is null then 'transaction_timestamp_missing' end,
        case when happened is not null and transaction_at is null
            then 'transaction_timestamp_invalid' end,
        case when risk_text is not null and risk_score is null then 'risk_score_invalid' end,
        case when orders.order_id is null then 'order_unknown' end,
        case when amount < 0 then 'amount_negative' end
    ) as reasons
from typed
left join orders on typed.order_id = orders.order_id
left join payment_statuses as statuses on lower(typed.raw_status) = statuses.raw_status;

create temp table payments as
from payment_rows
where reasons = ''
qualify row_number() over (
    partition by transaction_id order by changed_at desc, batch_date desc, file desc, record desc
) = 1;
