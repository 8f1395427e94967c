"""Which models a build must run: those that the files loaded since the last one can have changed.

Belongs here: the way from files and feeds to models in dbt's graph. Does not: which files changed
(`builds.py`), which rows of a model change (`macros/incremental/`).

A model is affected by a feed when it reads the feed's table of bronze, or a model that is affected
by it; two kinds of models pass on less than they read. Models whose log of changes says of which
feed each is (`meta.logs: [feed]`) concern only that feed's staging. The business clock concerns
its readers only when the day moved. What reads the ledger is run every time; but who reads it
beside a feed reads that feed's files.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

from orchestration.builds import Changed
from orchestration.contracts import Contract, feed_names
from orchestration.loader.landing import list_landing
from orchestration.publish import current_file, read_published
from orchestration.settings import ConfigurationError, Settings

_CLOCK = "business_clock"
_ANY_FILE, _PROJECT = "any file", "the project"
_KINDS = ("model", "snapshot")


def affected_models(manifest: Mapping[str, Any], changed: Changed) -> list[str]:
    """Names of the models and snapshots that the changes can have changed, in dbt's `manifest`.

    Seeds are not among them: with another seed the project is another, and everything is run.
    """
    found = changed.feeds | {_ANY_FILE} | ({_CLOCK} if changed.clock_moved else set())
    causes = _causes(manifest)
    return sorted(
        node["name"]
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in _KINDS and found & causes(unique_id)
    )


def expected_models(
    settings: Settings, contracts: Mapping[str, Contract], manifest: Mapping[str, Any], today: date
) -> list[str] | None:
    """The models that what lies in landing will affect once it is loaded, by the files' names.

    None (every model) before the first publish, and when what is published is damaged. Never
    opens the warehouse.
    """
    if not current_file(settings).exists():
        return None
    names = [
        file.name for file in list_landing(settings, feed_names(dict(contracts)), today).values()
    ]
    days = [name.batch_date for name in names if name.batch_date and name.feed in contracts]
    try:
        with read_published(settings) as published:
            clock = published.execute("select as_of_date from audit.published").fetchone()[0]
    except ConfigurationError:
        return None
    clock_moves = clock is None or max(days, default=clock) > clock
    feeds = frozenset(name.feed for name in names if name.feed)
    return affected_models(manifest, Changed(feeds, clock_moves))


def _causes(manifest: Mapping[str, Any]) -> Any:
    """A function that names what can change a node: feeds, the clock, any file, the project."""
    nodes, sources = manifest["nodes"], manifest["sources"]
    feeds = {
        unique_id: source["name"]
        for unique_id, source in sources.items()
        if "contract" in source["config"].get("meta", {})
    }

    @cache
    def causes(unique_id: str) -> frozenset[str]:
        read = nodes[unique_id]["depends_on"]["nodes"]
        if any(parent in feeds for parent in read):
            read = [parent for parent in read if parent in nodes or parent in feeds]
        found = frozenset().union(*(passed_on(parent) for parent in read))
        return found or frozenset({_ANY_FILE})

    def passed_on(parent: str) -> frozenset[str]:
        if parent in feeds:
            return frozenset({feeds[parent]})
        node = nodes.get(parent)
        if node is None:
            return frozenset({_ANY_FILE})
        if node["resource_type"] == "seed":
            return frozenset({_PROJECT})
        if node["name"] == _CLOCK:
            return frozenset({_CLOCK})
        if "feed" in node["config"].get("meta", {}).get("logs", []):
            return frozenset()
        return causes(parent)

    return causes
