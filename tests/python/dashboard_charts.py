"""What each chart of the dashboard must draw, asked of gold in SQL that shares nothing with it.

Belongs here: expected charts for a choice of filters. Does not: figures and tables
(`dashboard_figures.py`).
"""

from dashboard_figures import NET, Ask, Choice

_TOP_PARTS = 5


def charts(path: str, choice: Choice, ask: Ask) -> dict[str, dict[str, dict[str, float]]]:
    """Chart → series → day → value, of a page."""
    if path == "/":
        days = (choice.to_date - choice.from_date).days + 1
        grain = "day" if days <= 62 else "week" if days <= 400 else "month"
        part = f"by_{choice.split}"
        ranked = ask(f"select {part} from {choice.lines} group by 1 order by {NET} desc, 1")
        top = {name for (name,) in ranked[:_TOP_PARTS]}
        series: dict[str, dict[str, float]] = {}
        for day, name, value in ask(
            f"select date_trunc('{grain}', ordered_at)::date, {part}, {NET}"
            f" from {choice.lines} group by all"
        ):
            of_part = series.setdefault(name if name in top else "all others", {})
            of_part[day.isoformat()] = of_part.get(day.isoformat(), 0) + float(value)
        shown = {"sales_over_time": series, "forecast_days": _forecast(choice, ask)}
        return {name: of_chart for name, of_chart in shown.items() if of_chart}
    if path == "/operations":
        series = {}
        words = {"On Time": "On time", "Slightly Delayed": "1 day late", "Delayed": "Later"}
        for month, how, n in ask(
            "select date_trunc('month', o.ordered_at)::date as m, s.delivery_performance, count(*)"
            " from gold.fact_shipments s join gold.fact_orders o using (order_id)"
            f" where {choice.months('m')} group by all"
        ):
            series.setdefault(words.get(how, "Not arrived"), {})[month.isoformat()] = n
        return {"deliveries": series} if series else {}
    if path == "/pipeline":
        series = {}
        words = {"quarantine": "Held back", "warn": "Warned of"}
        for day, action, value in ask(
            "select f.batch_date, a.action, 1000 * sum(c.rows_failed) / sum(c.rows_checked)"
            " from audit.file_expectations c join silver.files_that_count f using (file_id)"
            " join (select distinct feed, expectation, action from audit.expectation_results) a"
            " on a.feed = c.feed and a.expectation = c.expectation where f.batch_date in"
            " (select distinct batch_date from silver.files_that_count order by 1 desc limit 30)"
            " group by all"
        ):
            series.setdefault(words[action], {})[day.isoformat()] = float(value)
        return {"expectation_trend": series} if series else {}
    return {}


def _forecast(choice: Choice, ask: Ask) -> dict[str, dict[str, float]]:
    """The category with most expected revenue, of those chosen, within its intervals."""
    of_choice = f"category = '{choice.category}'" if choice.category else "true"
    largest = ask(
        "select category from gold.sales_forecast where measure = 'net_amount' and expected is"
        f" not null and {of_choice} group by 1 order by sum(expected) desc, 1 limit 1"
    )
    names = {
        f"{held} % ({side})": f"{side}_{held}" for held in (80, 95) for side in ("lower", "upper")
    }
    return {
        name: {
            day.isoformat(): float(value)
            for day, value in ask(
                f"select forecast_date, {column} from gold.sales_forecast"
                f" where measure = 'net_amount' and category = '{category}'"
            )
        }
        for (category,) in largest
        for name, column in {category: "expected", **names}.items()
    }
