"""What pages are made of: panels, figures, tables, bars.

Belongs here: components and their marks for tests and screen readers (`data-figure`, `data-table`).
Does not: queries.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.charts import Figure
from dashboard.published import Row
from dashboard.wording import Number, share


@dataclass(frozen=True)
class Column:
    """A table's column: heading, key of the row, how its value is said, whether it is a number."""

    heading: str
    key: str
    say: Callable[[Any], Any] = str
    is_number: bool = True


def text_column(heading: str, key: str, say: Callable[[Any], Any] = str) -> Column:
    return Column(heading, key, say, is_number=False)


def panel(
    title: str, *children: Component | str | None, note: str = "", wide: bool = False
) -> Component:
    """A titled section; `note` says what it is about and which filters it follows."""
    heading: list[Component] = [html.H2(title)]
    if note:
        heading.append(html.P(note, className="note"))
    return html.Section(
        [html.Header(heading), *(child for child in children if child is not None)],
        className="panel wide" if wide else "panel",
    )


def empty(sentence: str) -> Component:
    return html.P(sentence, className="empty")


def tile(
    name: str,
    label: str,
    value: str,
    *,
    unit: str | None = None,
    note: str = "",
    tone: str = "",
    explanation: str = "",
) -> Component:
    """One figure, large. `tone` (good, bad) colours the note, whose words say the same."""
    return html.Div(
        [
            html.Dt(f"{label}, {unit}" if unit else label, title=explanation or None),
            html.Dd(value, className="value", **{"data-figure": name}),
            html.Dd(note, className=f"change {tone}".strip(), **{"data-figure": f"{name}_note"}),
        ],
        className="tile",
    )


def tiles(*children: Component) -> Component:
    return html.Dl(list(children), className="tiles")


def table(name: str, caption: str, columns: Sequence[Column], rows: Sequence[Row]) -> Component:
    """Rows under headings, figures to the right; it scrolls sideways by itself on a phone."""
    head = [html.Th(column.heading, scope="col", className=_side(column)) for column in columns]
    body = [
        html.Tr(
            [html.Td(column.say(row[column.key]), className=_side(column)) for column in columns]
        )
        for row in rows
    ]
    return html.Div(
        html.Table(
            [
                html.Caption(caption, className="unseen"),
                html.Thead(html.Tr(head)),
                html.Tbody(body, **{"data-table": name}),
            ]
        ),
        className="scrolls",
        tabIndex=0,
        role="region",
        **{"aria-label": caption},
    )


def chart(name: str, figure: Figure, description: str) -> Component:
    """A chart; `description` is what a screen reader says of it."""
    graph = dcc.Graph(
        id=name,
        figure=figure,
        responsive=True,
        config={"displayModeBar": False},
        style={"height": f"{figure['layout']['height']}px"},
    )
    return html.Div(graph, role="img", className="chart", **{"aria-label": description})


def bars(name: str, rows: Sequence[tuple[str, Number, str]], largest: Number) -> Component:
    """Named bars, each as long as its part of `largest`, with its figure in words."""
    return html.Ol(
        [
            html.Li(
                [
                    html.Span(label, className="bar-label"),
                    _bar(float(value) / (float(largest) or 1)),
                    html.Span(words, className="bar-value"),
                ]
            )
            for label, value, words in rows
        ],
        className="bars",
        **{"data-bars": name},
    )


def share_bar(value: Number | None) -> Component:
    """A share in a table's cell, as a bar and in words."""
    return html.Span(
        [
            html.Span(
                html.Span(style={"width": f"{float(value or 0) * 100:.2f}%"}), className="bar"
            ),
            html.Span(share(value)),
        ],
        className="share-bar",
    )


def badge(words: str, tone: str) -> Component:
    return html.Span(words, className=f"badge {tone}")


def heat_cell(value: float | None, strongest: float) -> Component:
    """A share (0 to 1) on a ground that is the stronger, the nearer it is to the strongest."""
    if value is None:
        return html.Td()
    strength = value / strongest * 100 if strongest else 0
    return html.Td(share(value), className="heat", style={"--heat": f"{strength:.1f}%"})


def _side(column: Column) -> str:
    return "number" if column.is_number else "text"


def _bar(part: float) -> Component:
    return html.Span(html.Span(style={"width": f"{part * 100:.2f}%"}), className="bar")
