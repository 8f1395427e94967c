"""What dbt would pass over in silence is refused in the first build, and told what to do about.

A reference or lookup that nobody judges, a misspelt key, rules of touched keys that touch nothing.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from warehouse import Warehouse

_SOURCE = """
      - name: {feed}
        description: "One row per return as delivered."
        config: {{meta: {{contract: {{format: csv, key: [return_id]}}}}}}
        columns:
          - name: return_id
            description: "Business key of the return."
            config: {{meta: {{type: text, required: true}}}}
          - name: {column}
            description: "What it is about."
            config: {{meta: {{type: text, {options}}}}}
"""
_YML = """
version: 2

models:
  - name: stg_{feed}
    description: "One row per return as delivered that counts."
    config:
      meta:
        {meta}
"""
_EXPECTATION = 'expectations: [{{name: {}, condition: "true", action: warn}}]'
_PRODUCT = _EXPECTATION.format("product_unknown")


@dataclass(frozen=True)
class Returns:
    """A feed with one column beside its key, and what its staging model declares; "": no YAML."""

    said: str
    column: str = "product_id"
    options: str = "required: true, references: products"
    meta: str = _PRODUCT


STAGING = {
    "right": Returns(""),
    "right_optional": Returns("", options="references: products"),
    "right_lookup": Returns(
        "", "reason", "lookup: event_types", _EXPECTATION.format("reason_unknown")
    ),
    "reference": Returns(
        "column product_id references products, and no expectation judges it. Declare"
        " product_unknown in stg_reference.yml",
        meta=_EXPECTATION.format("other"),
    ),
    "lookup": Returns(
        "column reason has the lookup event_types, and no expectation judges it. Declare"
        " reason_unknown in stg_lookup.yml",
        "reason",
        "lookup: event_types",
        "logs: []",
    ),
    "no_seed": Returns(
        "column reason has the lookup return_reason, but there is no such seed",
        "reason",
        "lookup: return_reason",
        _EXPECTATION.format("reason_unknown"),
    ),
    "unlisted_seed": Returns(
        "Add it to the list in models/silver/lookup_values.sql",
        "reason",
        "lookup: patches",
        _EXPECTATION.format("reason_unknown"),
    ),
    "no_known_model": Returns(
        "column item_id references order_items, which needs a model known_order_items"
        " (copy models/silver/known/known_orders.sql",
        "item_id",
        "required: true, references: order_items",
        _EXPECTATION.format("item_unknown"),
    ),
    "unknown_key": Returns(
        "config.meta has the unknown key expectation; known are amount,",
        meta=_PRODUCT.replace("expectations", "expectation"),
    ),
    "unknown_part": Returns(
        "expectation product_unknown has the unknown key conditions",
        meta=_PRODUCT.replace("condition", "conditions"),
    ),
    "no_condition": Returns(
        "expectation product_unknown has no condition",
        meta=_PRODUCT.replace(' condition: "true",', ""),
    ),
    "no_action": Returns(
        "expectation product_unknown has no action", meta=_PRODUCT.replace(", action: warn", "")
    ),
    "no_such_action": Returns(
        "expectation product_unknown has the action drop", meta=_PRODUCT.replace("warn", "drop")
    ),
    "no_yml": Returns("stg_no_yml stands in no .yml", meta=""),
}
# Model → (its file, what stands there, what is put in its place, what is said).
RULES = {
    "order_batches": (
        "silver/order_batches.yml",
        "          - changes_of: stg_orders\n",
        "          - changes_of: stg_orders\n            thru: this\n",
        "a rule of touched_by has the unknown option thru; known are changes_of, where,",
    ),
    "fact_payments": (
        "gold/core/fact_payments.yml",
        "          - changes_of: payments\n",
        "          - by: order_id\n",
        "rule number 2 of touched_by has no changes_of",
    ),
    "sales_funnel": (
        "gold/marts/sales_funnel.yml",
        "changes_of: fact_sessions",
        "changes_of: fact_session",
        "for changes_of fact_session needs a model or snapshot of that name with a log of its"
        " changes. There is none; correct the name.",
    ),
    "dim_address": (
        "gold/core/dim_address.yml",
        "changes_of: addresses_history",
        "changes_of: dim_product",
        "with a log of its changes. Make it incremental",
    ),
    "fact_inventory": (
        "gold/core/fact_inventory.yml",
        "by: product_id",
        "by: product",
        "reads its column product, but the log of changes has only product_id, affected_from.",
    ),
    "agg_daily_sales": (
        "gold/marts/agg_daily_sales.yml",
        "through: stg_orders",
        "through: stg_order",
        "goes through stg_order, which is no model, seed or snapshot.",
    ),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Model → what dbt says of it, in the first build, on one line; all mistakes in one project."""
    warehouse = Warehouse.with_own_project(tmp_path_factory.mktemp("refusals"))
    project = warehouse.settings.project_dir
    warehouse.edit("dbt_project.yml", "  feeds:\n", "  feeds:\n" + "".join(
        f"    - {feed}\n" for feed in STAGING
    ))  # fmt: skip
    contracts = project / "models/bronze/_bronze__sources.yml"
    for feed, case in STAGING.items():
        with contracts.open("a") as file:
            file.write(_SOURCE.format(feed=feed, column=case.column, options=case.options))
        write_staging(project / "models/silver/staging", feed, case.meta)
    for file, before, after, _ in RULES.values():
        warehouse.edit(f"models/{file}", before, after)

    right = [f"stg_{feed}" for feed, case in STAGING.items() if not case.said]
    wrong = [f"stg_{feed}" for feed, case in STAGING.items() if case.said]
    found = []
    *apart, last = RULES  # dbt skips what reads, over whatever models, one that failed
    for command in (["compile", *right], ["run", *wrong, *apart], ["run", last]):
        result = warehouse.dbt(command[0], "--select", *command[1:])
        assert not result.exception, result.exception
        found.extend(result.result)
    return {row.node.name: re.sub(r"\s+", " ", row.message or "") for row in found}


def write_staging(folder: Path, feed: str, meta: str) -> None:
    (folder / f"stg_{feed}.sql").write_text(
        f"with typed as (\n    {{{{ typed_rows('{feed}') }}}}\n)\n\n"
        f"{{{{ judged_rows('{feed}', 'typed') }}}}\n"
    )
    if meta:
        (folder / f"stg_{feed}.yml").write_text(_YML.format(feed=feed, meta=meta))


@pytest.mark.parametrize("feed", STAGING)
def test_staging_that_leaves_rows_unjudged(said, feed):
    expected = STAGING[feed].said
    assert expected in said[f"stg_{feed}"]
    assert ("Error" in said[f"stg_{feed}"]) == bool(expected)


@pytest.mark.parametrize("model", RULES)
def test_rules_that_touch_nothing(said, model):
    assert f"{model}: " in said[model]
    assert RULES[model][3] in said[model]
