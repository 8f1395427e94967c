"""One sequence: a stream, built by and by, must end as a rebuild and as another order do.

Belongs here: the property, and what to say when it does not hold. Does not: comparing tables
(`comparison.py`), making events happen (`workshop.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from warehouse import Warehouse

from ordeal.comparison import differences
from ordeal.streams import Build, Deliver, Stream, reordered
from ordeal.workshop import Failed, Workshop

_IN_EFFECT = "select file_name, sha256 from bronze.files where status in ('loaded', 'duplicate')"


@dataclass(frozen=True)
class Verdict:
    """What came of a sequence; `problems` is empty when everything agreed."""

    problems: tuple[str, ...]
    gold_rows: int


def judge(workshop: Workshop, stream: Stream, *, with_tests: bool) -> Verdict:
    """Run a stream; how its end differs from a full refresh, and from another order.

    `with_tests` also runs every data test of dbt on the end of the stream.
    """
    workshop.reset_lookups()
    grown = workshop.fresh("grown")
    steps: list[tuple[str, Callable[[], Warehouse]]] = [
        ("a full refresh", lambda: _rebuilt(workshop, grown)),
        ("another order", lambda: _reordered(workshop, grown, stream)),
    ]
    problems: list[str] = []
    try:
        workshop.run(grown, stream.events)
        if with_tests:
            workshop.test(grown)
    except Failed as failure:
        return Verdict((f"built by and by: {failure}",), 0)
    for name, make in steps:
        try:
            other = make()
        except Failed as failure:
            problems.append(f"{name}: {failure}")
            continue
        found = differences(grown.settings.warehouse, other.settings.warehouse)
        problems += [f"built by and by (left) and {name} (right): {one}" for one in found]
    ((gold_rows,),) = grown.ask(
        "select sum(estimated_size)::bigint from duckdb_tables() where schema_name = 'gold'"
    )
    return Verdict(tuple(problems), gold_rows)


def _rebuilt(workshop: Workshop, grown: Warehouse) -> Warehouse:
    rebuilt = workshop.copy(grown, "rebuilt")
    workshop.build(rebuilt, "--full-refresh")
    return rebuilt


def _reordered(workshop: Workshop, grown: Warehouse, stream: Stream) -> Warehouse:
    """The files of a stream in another order, in a warehouse of their own, built once."""
    deliveries = [event for event in stream.events if isinstance(event, Deliver)]
    in_effect = set(grown.ask(_IN_EFFECT))
    other = workshop.fresh("reordered")
    workshop.run(other, [*reordered(deliveries, in_effect, Random(stream.seed)), Build()])
    if set(other.ask(_IN_EFFECT)) != in_effect:
        raise Failed("other files are in effect than after the stream")
    return other
