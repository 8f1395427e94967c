"""A metric means one thing: in MetricFlow, in gold.metrics and in the tables of gold."""

from decimal import Decimal
from typing import Any

import duckdb
import pytest
from conftest import Built

from orchestration.metrics import SemanticLayer
from orchestration.publish import current_file
from orchestration.settings import ConfigurationError, Settings

# Those that agg_daily_sales states, which was tested against the facts before metrics were.
DAILY = {
    "net_amount": "net_amount",
    "gross_amount": "gross_amount",
    "discount_amount": "discount_amount",
    "margin_amount": "margin_amount",
    "shipping_amount": "shipping_amount",
    "units": "units",
    "orders": "orders",
    "revenue_orders": "revenue_orders",
    "customers": "customers",
    "cancelled_orders": "cancelled_orders",
    "returned_orders": "returned_orders",
}
# The rest, over the whole of gold, in SQL that shares nothing with the semantic layer.
TOTALS = {
    "costed_amount": "select sum(net_amount) from gold.fact_sales"
    " where is_revenue and cost_amount is not null",
    "sessions": "select sum(sessions) from gold.sales_funnel",
    "purchase_sessions": "select sum(purchase_sessions) from gold.sales_funnel",
    "conversion_rate": "select sum(purchase_sessions) / sum(sessions) from gold.sales_funnel",
    "avg_order_value": "select sum(net_amount) / sum(revenue_orders) from gold.agg_daily_sales",
    "cancel_rate": "select sum(cancelled_orders) / sum(orders) from gold.agg_daily_sales",
    "return_rate": "select sum(returned_orders) / sum(orders) from gold.agg_daily_sales",
    "margin_rate": "select sum(net_amount - cost_amount) / sum(net_amount) from gold.fact_sales"
    " where is_revenue and cost_amount is not null",
}


@pytest.fixture(scope="module")
def layer(built: Built) -> SemanticLayer:
    return SemanticLayer(built.settings)


def ask(built: Built, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(current_file(built.settings), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_metricflow_gives_the_days_of_gold(built: Built, layer: SemanticLayer) -> None:
    answer = layer.ask(list(DAILY), by=["day", "order__channel"])

    figures = ", ".join(DAILY.values())
    stated = ask(
        built, f"select date_day, channel, {figures} from gold.agg_daily_sales order by 1, 2"
    )
    assert len(stated) > 6
    # A day whose orders have no line of a revenue order has no sum in MetricFlow.
    answered = [(row[0].date(), row[1], *(value or 0 for value in row[2:])) for row in answer.rows]
    assert sorted(answered) == stated


@pytest.mark.parametrize("metric", TOTALS)
def test_metricflow_gives_the_totals_of_gold(
    built: Built, layer: SemanticLayer, metric: str
) -> None:
    ((value,),) = layer.ask([metric]).rows
    ((expected,),) = ask(built, TOTALS[metric])
    assert expected is not None
    assert float(value) == pytest.approx(float(expected), rel=1e-12)


def test_every_metric_is_compared(layer: SemanticLayer) -> None:
    assert set(layer.metrics()) == {*DAILY, *TOTALS}


def test_gold_metrics_says_the_same_in_sql(built: Built, layer: SemanticLayer) -> None:
    defined = ask(
        built, "select metric, relation_name, aggregate, numerator, denominator from gold.metrics"
    )
    assert {metric for metric, *_ in defined} == set(layer.metrics())

    simple = {
        metric: ask(built, f"select {aggregate} from {relation}")[0][0]
        for metric, relation, aggregate, *_ in defined
        if aggregate
    }
    of_metricflow = layer.ask(list(simple))
    assert simple == dict(zip(of_metricflow.columns, of_metricflow.rows[0], strict=True))
    for metric, _, aggregate, numerator, denominator in defined:
        if not aggregate:
            ((value,),) = layer.ask([metric]).rows
            assert simple[numerator] / Decimal(simple[denominator]) == pytest.approx(Decimal(value))


def test_a_condition_filters(built: Built, layer: SemanticLayer) -> None:
    answer = layer.ask(["orders"], where=["{{ Dimension('order__channel') }} = 'web'"])
    assert answer.rows == ask(
        built, "select sum(orders)::bigint from gold.agg_daily_sales where channel = 'web'"
    )


def test_categories_add_up_to_revenue(layer: SemanticLayer) -> None:
    by_category = layer.ask(["net_amount"], by=["product__category"]).rows
    assert len(by_category) > 1
    assert sum(amount for _, amount in by_category) == layer.ask(["net_amount"]).rows[0][0]


@pytest.mark.parametrize(
    ("metrics", "by", "words"),
    [
        (["revenu"], [], "There is no metric revenu. There are: avg_order_value, "),
        (["orders"], ["product__category"], "orders can be grouped and filtered by day, week, "),
        (["orders"], [""], "--by or --where is empty"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(
    layer: SemanticLayer, metrics: list[str], by: list[str], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        layer.ask(metrics, by=by)


def test_before_the_first_build_it_says_what_to_do(scratch: Any) -> None:
    with pytest.raises(ConfigurationError, match="make run"):
        SemanticLayer(Settings(data_dir=scratch / "nothing")).ask(["orders"])
