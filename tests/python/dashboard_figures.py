"""What each figure of the dashboard must be, asked of gold in SQL that shares nothing with it.

Belongs here: expected figures, tables and bars for a choice of filters. Does not: charts
(`dashboard_charts.py`), reading them off the page (`dashboard_page.py`).
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

Rows = list[tuple[Any, ...]]
Ask = Callable[[str], Rows]


@dataclass(frozen=True)
class Choice:
    """Filters as a test sets them, and as conditions on gold."""

    from_date: date
    to_date: date
    channel: str | None = None
    category: str | None = None
    split: str = "channel"

    @property
    def search(self) -> str:
        given = {"from": self.from_date, "to": self.to_date, "split": self.split}
        given |= {"channel": self.channel, "category": self.category}
        return "?" + "&".join(f"{name}={value}" for name, value in given.items() if value)

    def days(self, column: str) -> str:
        return f"{column}::date between '{self.from_date}' and '{self.to_date}'"

    def months(self, column: str) -> str:
        return f"{column} between '{self.from_date.replace(day=1)}' and '{self.to_date}'"

    @property
    def before(self) -> "Choice":
        days = self.to_date - self.from_date + timedelta(days=1)
        return replace(self, from_date=self.from_date - days, to_date=self.to_date - days)

    @property
    def lines(self) -> str:
        """Lines that count under this choice."""
        return (
            "(select s.*, coalesce(s.channel, 'unknown') as by_channel,"
            " coalesce(p.category, 'unknown') as by_category from gold.fact_sales s"
            " left join gold.dim_product p on s.product_key = p.product_key"
            f" where {self.days('ordered_at')}{self._channel('s.channel')}"
            f"{self._category('p.category')})"
        )

    @property
    def orders(self) -> str:
        has_line = ""
        if self.category:
            has_line = (
                " and order_id in (select order_id from gold.fact_sales s join gold.dim_product p"
                f" on s.product_key = p.product_key where true{self._category('p.category')})"
            )
        return (
            "(select *, coalesce(channel, 'unknown') as by_channel from gold.fact_orders"
            f" where {self.days('ordered_at')}{self._channel('channel')}{has_line})"
        )

    @property
    def payments(self) -> str:
        return (
            "(select a.*, p.transaction_at, p.status from gold.payment_anomalies a"
            " join gold.fact_payments p using (transaction_id)"
            " join gold.fact_orders o on o.order_id = p.order_id"
            f" where {self.days('transaction_at')}{self._channel('o.channel')})"
        )

    def products(self, column: str) -> str:
        return f"true{self._category(column)}"

    def _channel(self, column: str) -> str:
        return f" and coalesce({column}, 'unknown') = '{self.channel}'" if self.channel else ""

    def _category(self, column: str) -> str:
        return f" and coalesce({column}, 'unknown') = '{self.category}'" if self.category else ""


def sales(choice: Choice, ask: Ask) -> dict[str, Rows]:
    """Figures and tables of the sales page."""
    now, before = _sales_figures(choice, ask), None
    if _covered_from(ask) <= choice.before.from_date:
        before = _sales_figures(choice.before, ask)
    figures: dict[str, Rows] = {name: [(value,)] for name, value in now.items()}
    for name, value in now.items():
        figures[f"{name}_note"] = [(_change(name, value, before[name] if before else None),)]
    lines = choice.lines
    tables = {
        "sales_by_channel": _with_change(
            "by_channel", choice, before, ask, _by_channel(choice, ask)
        ),
        "sales_by_category": _with_change(
            "by_category",
            choice,
            before,
            ask,
            ask(
                f"select by_category, {NET}, {NET} / nullif(sum({NET}) over (), 0),"
                f" coalesce(sum(quantity) filter (is_revenue), 0), {_MARGIN_RATE} from {lines}"
                " group by 1 order by 2 desc, 1"
            ),
        ),
        "top_products": ask(
            "select max_by(p.product_name, p.valid_from), min(l.by_category), max(l.net),"
            " max(l.units) from (select product_id, min(by_category) as by_category,"
            f" {NET} as net, sum(quantity) filter (is_revenue) as units from {lines} group by 1) l"
            " join gold.dim_product p using (product_id) where l.net > 0"
            " group by product_id order by 3 desc, product_id limit 10"
        ),
    }
    tables["forecast_totals"] = _forecast_totals(choice, ask)
    return figures | {name: rows for name, rows in tables.items() if rows}


def _covered_from(ask: Ask) -> date:
    """Day of the order after which 99 of 100 came."""
    days = ask(
        "select ordered_at::date from gold.fact_orders where ordered_at::date"
        " <= (select as_of_date from audit.published) order by 1"
    )
    return days[-(-len(days) // 100) - 1][0]


def _forecast_totals(choice: Choice, ask: Ask) -> Rows:
    """The page's columns; a column with reasons where a series is too short."""
    rows = [
        (
            category,
            *ask(f"select {_FORECAST} where category = '{category}'")[0],
            *ask(
                "select mean_absolute_error, mase, reason from gold.forecast_accuracy"
                f" where category = '{category}' and measure = 'net_amount'"
            )[0],
        )
        for (category,) in ask("select distinct category from gold.sales_forecast")
        if choice.category in (None, category)
    ]
    if not any(row[-1] for row in rows):
        rows = [row[:-1] for row in rows]
    return sorted(rows, key=lambda row: (row[1] is None, -(row[1] or 0), row[0]))


_FORECAST = (
    "sum(expected) filter (measure = 'net_amount'), sum(expected) filter (measure = 'units')"
    " from gold.sales_forecast"
)


NET = "coalesce(sum(net_amount) filter (is_revenue), 0)"
_MARGIN_RATE = (
    "sum(net_amount - cost_amount) filter (is_revenue)"
    " / sum(net_amount) filter (is_revenue and cost_amount is not null)"
)


def _sales_figures(choice: Choice, ask: Ask) -> dict[str, Any]:
    ((net, margin, costed),) = ask(
        f"select {NET}, sum(net_amount - cost_amount) filter (is_revenue),"
        f" sum(net_amount) filter (is_revenue and cost_amount is not null) from {choice.lines}"
    )
    ((placed, paying, buyers, returned),) = ask(
        "select count(*), count(*) filter (is_revenue), count(distinct customer_id),"
        " count(*) filter (order_status in ('returned', 'refunded'))"
        f" from {choice.orders}"
    )
    return {
        "net_amount": net,
        "orders": placed,
        "avg_order_value": net / paying if paying else None,
        "customers": buyers,
        "margin_rate": margin / costed if costed else None,
        "return_rate": Decimal(returned) / placed if placed else None,
    }


def _by_channel(choice: Choice, ask: Ask) -> Rows:
    return ask(
        "select o.by_channel, coalesce(l.net, 0), l.net / nullif(sum(l.net) over (), 0), o.n,"
        " coalesce(l.net, 0) / nullif(o.paying, 0), l.margin from"
        " (select by_channel, count(*) as n, count(*) filter (is_revenue) as paying"
        f" from {choice.orders} group by 1) o left join (select by_channel, {NET} as net,"
        f" {_MARGIN_RATE} as margin from {choice.lines} group by 1) l using (by_channel)"
        " order by 2 desc, 1"
    )


def _with_change(part: str, choice: Choice, before: object, ask: Ask, rows: Rows) -> Rows:
    """Rows with the change of their amount, the second column, behind its share, the third."""
    earlier = {}
    if before:
        earlier = dict(ask(f"select {part}, {NET} from {choice.before.lines} group by 1"))
    return [
        (*row[:3], _change("net_amount", row[1], earlier.get(row[0])) or None, *row[3:])
        for row in rows
    ]


def _change(name: str, now: Any, before: Any) -> str:
    is_rate = name.endswith("_rate")
    if now is None or before is None or not (before or is_rate):
        return ""
    if is_rate:
        words = f"{(now - before) * 100:+.1f} points"
    else:
        words = f"{(now - before) / before * 100:+.1f} %"
    return words.replace("-", "\N{MINUS SIGN}")


def customers(choice: Choice, ask: Ask) -> dict[str, Rows]:
    """Figures and tables of the customers page."""
    steps = ask(
        "select count(*), count(*) filter (reached_stage in"
        " ('product_view', 'cart', 'checkout', 'purchase')), count(*) filter (reached_stage in"
        " ('cart', 'checkout', 'purchase')), count(*) filter (reached_stage in"
        " ('checkout', 'purchase')), count(*) filter (reached_stage = 'purchase')"
        f" from gold.fact_sessions where {choice.days('started_at')}"
    )[0]
    words = ("Visited", "Saw a product", "Filled the cart", "Went to checkout", "Bought")
    figures: dict[str, Rows] = {
        "rfm_segments": ask(
            "select rfm_segment, count(*), count(*) / sum(count(*)) over (), sum(monetary),"
            " avg(recency_days), avg(frequency) from gold.customer_rfm group by 1"
            " order by max(rfm_score) desc"
        ),
        "cohorts": _cohorts(ask),
    }
    if steps[0]:
        figures["funnel"] = [
            (word, n, Decimal(n) / steps[0]) for word, n in zip(words, steps, strict=True)
        ]
        figures["conversion_rate"] = [(Decimal(steps[4]) / steps[0],)]
    return {name: rows for name, rows in figures.items() if rows}


def _cohorts(ask: Ask) -> Rows:
    """Each customer's first month and the months after, counted here from the orders."""
    rows = ask(
        "with bought as (select customer_id, date_trunc('month', ordered_at)::date as m"
        " from gold.fact_orders where is_revenue group by all),"
        " firsts as (select customer_id, min(m) as c from bought group by 1"
        " having min(m) <= (select as_of_date from silver.business_clock))"
        " select c, date_diff('month', c, m), count(*) from bought join firsts using (customer_id)"
        " where c > (select max(c) from firsts) - interval 12 month group by all"
    )
    ((as_of,),) = ask("select as_of_date from silver.business_clock")
    last = max((after for _, after, _ in rows if after <= 11), default=0)
    counts = {(cohort, after): n for cohort, after, n in rows}
    table = []
    for cohort in sorted({cohort for cohort, _ in counts}, reverse=True):
        begun = (as_of.year - cohort.year) * 12 + as_of.month - cohort.month
        size = counts[cohort, 0]
        shares = [
            Decimal(counts.get((cohort, after), 0)) / size
            if after <= begun or (cohort, after) in counts
            else ""
            for after in range(1, last + 1)
        ]
        table.append((f"{cohort:%b %Y}", size, *shares))
    return table


def operations(choice: Choice, ask: Ask) -> dict[str, Rows]:
    """Figures and tables of the operations page."""
    parcels = (
        "(select s.*, date_trunc('month', o.ordered_at)::date as m from gold.fact_shipments s"
        f" join gold.fact_orders o using (order_id) where {choice.months('m')})"
    )
    stock = f"gold.inventory_health where {choice.products('category')}"
    payments = choice.payments
    figures = {
        "carriers": ask(
            "select coalesce(carrier, 'unknown'), count(*), count(actual_delivery),"
            " count(*) filter (delivery_performance = 'On Time')"
            " / nullif(count(actual_delivery), 0),"
            " avg(delivery_days) filter (actual_delivery is not null),"
            " count(*) filter (delivery_performance = 'Pending' and delay_days > 0),"
            f" coalesce(sum(shipping_cost), 0) from {parcels} group by 1 order by 2 desc, 1"
        ),
        "stock_status": ask(
            f"select health_status, count(*) from {stock} group by 1 order by 2 desc, 1"
        ),
        "stock_to_reorder": ask(
            "select coalesce(product_name, product_id), coalesce(category, 'unknown'),"
            " health_status, quantity_available, units_sold_30d, days_of_cover,"
            f" warehouses_to_reorder || ' of ' || warehouse_count from {stock}"
            " and health_status in ('Out of Stock', 'Reorder Required')"
            " order by days_of_cover nulls last, units_sold_30d desc, product_id limit 12"
        ),
        "riskiest_payments": ask(
            "select transaction_id, transaction_at, payment_method, amount, risk_level,"
            f" combined_score, reasons from {payments} where risk_level in ('CRITICAL', 'HIGH')"
            " order by combined_score desc, amount desc, transaction_id limit 10"
        ),
    }
    ((currency,),) = ask("select min(currency) from gold.fact_sales")
    for level, n, amount in ask(
        f"select risk_level, count(*), sum(amount) from {payments} group by 1"
    ):
        figures[f"payments_{level}"] = [(n,)]
        figures[f"payments_{level}_note"] = [(f"{amount:,.2f} {currency}",)]
    return {name: rows for name, rows in figures.items() if rows}


def pipeline(_choice: Choice, ask: Ask) -> dict[str, Rows]:
    """Figures and tables of the pipeline page, without what the loader left in landing."""
    ((version, at, as_of),) = ask("select version, published_at, as_of_date from audit.published")
    ((held, money, of_feeds),) = ask(
        "select count(*), coalesce(sum(amount_held), 0), count(distinct feed)"
        " from silver.quarantine"
    )
    feeds = _feeds(ask, as_of)
    late = [row[0] for row in feeds if row[1] == "late"]
    figures = {
        "version": [(version,)],
        "version_note": [(at,)],
        "as_of_date": [(as_of,)],
        "as_of_date_note": [("the business clock",)],
        "rows_held": [(held,)],
        "rows_held_note": [(f"of {of_feeds} feeds",)],
        "amount_held": [(money,)],
        "amount_held_note": [("in those rows",)],
        "late_feeds": [(len(late),)],
        "late_feeds_note": [(", ".join(late) or "all are on time",)],
        "feeds": feeds,
        "batches": ask(
            "select batch_date, count(*) filter (status = 'loaded'),"
            " coalesce(sum(rows_loaded) filter (status = 'loaded'), 0),"
            " coalesce(sum(rows_rejected) filter (status = 'loaded'), 0),"
            " count(*) filter (status <> 'loaded') from audit.file_ledger"
            " where feed <> 'trigger' and batch_date is not null"
            " and coalesce(discard_reason, '') <> 'batch_date_in_future'"
            " group by 1 order by 1 desc limit 14"
        ),
        "quarantine": ask(
            "select feed, r, count(*), coalesce(sum(amount_held), 0), min(first_seen_batch_date)"
            " from (select *, unnest(rejection_reasons) as r from silver.quarantine) group by 1, 2"
            " order by 4 desc, 3 desc, 1, 2 limit 15"
        ),
        "builds": [
            (started, status, f"{took} s" if took < 120 else f"{took / 60:.0f} min", *rest)
            for started, status, took, *rest in ask(
                "select started_at, status, date_diff('second', started_at, finished_at), files,"
                " rows, published_version from audit.builds order by 1 desc limit 8"
            )
        ],
    }
    return {name: rows for name, rows in figures.items() if rows}


def _feeds(ask: Ask, as_of: date) -> Rows:
    came: dict[str, list[date]] = {}
    for feed, day in ask(
        "select distinct feed, batch_date from silver.files_that_count order by 2"
    ):
        came.setdefault(feed, []).append(day)
    rows = []
    for feed, days in came.items():
        gaps = sorted((b - a).days for a, b in itertools.pairwise(days))
        middle = len(gaps) // 2
        usual = (gaps[middle] + gaps[~middle]) / 2 if gaps else None
        behind = (as_of - days[-1]).days
        state = "came once" if usual is None else "late" if behind > usual + 1 else "on time"
        rows.append((feed, state, days[-1], behind, usual))
    return sorted(rows, key=lambda row: (row[1] != "late", -row[3], row[0]))


PAGES: Mapping[str, Callable[[Choice, Ask], dict[str, Rows]]] = {
    "/": sales,
    "/customers": customers,
    "/operations": operations,
    "/pipeline": pipeline,
}
