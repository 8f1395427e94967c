"""One module per page; each gives its content for a version, a selection and a theme."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dash.development.base_component import Component

from dashboard.charts import Theme
from dashboard.published import Reader, Selection
from orchestration.freshness import LateFeed
from orchestration.loader.landing import Note


@dataclass(frozen=True)
class View:
    """What a page is made from.

    `split` is what bars are split by (`channel` or `category`), `landing` what the loader said of
    each file that it left in landing, `late` looks for the feeds that their contracts expect
    by now.
    """

    reader: Reader
    selection: Selection
    split: str
    theme: Theme
    landing: Mapping[str, Note]
    late: Callable[[], Mapping[str, LateFeed]]


@dataclass(frozen=True)
class Page:
    """Name in the navigation, path, and content."""

    name: str
    path: str
    content: Callable[[View], Sequence[Component]]
