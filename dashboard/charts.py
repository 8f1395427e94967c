"""Figures for Plotly, as plain dicts.

Belongs here: colours and axes of charts. Does not: queries, what stands around a chart.

Colours keep a contrast of 3 to their background and stay apart for people who see no red, no green
or no blue (a test computes both); what a colour says is also said in words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html import escape
from typing import Any

Figure = dict[str, Any]

_HOVER = "%{y:,.2~f}"
_FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"  # of dashboard.css


@dataclass(frozen=True)
class Theme:
    """Colours of one look: `series` in the order of size, the last one for all others."""

    surface: str
    ink: str
    muted: str
    grid: str
    series: tuple[str, ...]


THEMES: Mapping[str, Theme] = {
    "light": Theme(
        surface="#ffffff",
        ink="#1b1f27",
        muted="#5b6472",
        grid="#e6e9ee",
        series=("#2f6fde", "#d4760b", "#6b1e1f", "#655579", "#a34d16", "#868f9c"),
    ),
    "dark": Theme(
        surface="#1a1d23",
        ink="#eceef2",
        muted="#a3acba",
        grid="#2d323b",
        series=("#6ea4f7", "#e8912d", "#8debe7", "#f5d754", "#ba4e25", "#7f8894"),
    ),
}


@dataclass(frozen=True)
class Series:
    """One named row of a chart. `color` is its place in the theme's series."""

    name: str
    x: Sequence[date]
    y: Sequence[Decimal | int | float]
    color: int


def stacked_bars(theme: Theme, series: Sequence[Series], unit: str, grain: str) -> Figure:
    """Bars over time, one on top of the other; `unit` names the axis."""
    traces = [
        {
            **_trace(one),
            "type": "bar",
            "marker": {
                "color": theme.series[one.color],
                "line": {"color": theme.surface, "width": 1},
            },
        }
        for one in series
    ]
    bars_shown = len({day for one in series for day in one.x})
    # A few bars would be as broad as walls.
    gap = max(0.25, 1 - bars_shown / 8)
    return {"data": traces, "layout": _layout(theme, unit, grain, barmode="stack", bargap=gap)}


def lines(theme: Theme, series: Sequence[Series], unit: str, grain: str) -> Figure:
    """Lines over time, each with a dash of its own."""
    traces = [
        {
            **_trace(one),
            "type": "scatter",
            "mode": "lines+markers",
            "line": {"color": theme.series[one.color], "width": 2, "dash": dash},
            "marker": {"size": 6},
        }
        for one, dash in zip(series, ("solid", "dot", "dash"), strict=False)
    ]
    layout = _layout(theme, unit, grain)
    layout["yaxis"]["tickformat"] = ",.2~f"
    return {"data": traces, "layout": layout}


def expected_with_intervals(
    theme: Theme, name: str, rows: Sequence[Mapping[str, Any]], unit: str
) -> Figure:
    """A line per day within the bands that hold 95 and 80 of 100 days.

    Rows have forecast_date, expected, lower_<n> and upper_<n>.
    """
    days = [row["forecast_date"].isoformat() for row in rows]
    color = theme.series[0]
    traces: list[Figure] = []
    for held, strength in ((95, "22"), (80, "44")):
        for side in ("lower", "upper"):
            traces.append(
                {
                    "name": f"{held} % ({side})",
                    "x": days,
                    "y": [float(row[f"{side}_{held}"]) for row in rows],
                    "type": "scatter",
                    "mode": "lines",
                    "line": {"width": 0},
                    "fill": "tonexty" if side == "upper" else "none",
                    "fillcolor": color + strength,
                    "showlegend": False,
                    "hovertemplate": _HOVER,
                }
            )
    traces.append(
        {
            "name": _as_text(name),
            "x": days,
            "y": [float(row["expected"]) for row in rows],
            "type": "scatter",
            "mode": "lines",
            "line": {"color": color, "width": 2},
            "hovertemplate": _HOVER,
        }
    )
    return {"data": traces, "layout": _layout(theme, unit, "day")}


def _as_text(delivered: str) -> str:
    """What Plotly writes as it was delivered; it would read tags, links among them."""
    return escape(delivered, quote=False)


def _trace(series: Series) -> Figure:
    return {
        "name": _as_text(series.name),
        "x": [day.isoformat() for day in series.x],
        "y": [float(value) for value in series.y],
        "hovertemplate": _HOVER,
    }


def _layout(theme: Theme, unit: str, grain: str, **more: Any) -> Figure:
    axis = {
        "gridcolor": theme.grid,
        "linecolor": theme.grid,
        "zerolinecolor": theme.grid,
        "tickfont": {"color": theme.muted},
        "fixedrange": True,
    }
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": _FONT, "size": 13, "color": theme.ink},
        "margin": {"l": 8, "r": 8, "t": 36, "b": 8},
        "height": 300,
        "hovermode": "x unified",
        "hoverlabel": {
            "bgcolor": theme.surface,
            "bordercolor": theme.grid,
            "font": {"color": theme.ink},
        },
        "legend": {
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
            "traceorder": "normal",
        },
        "showlegend": True,
        "xaxis": {
            **axis,
            "showgrid": False,
            "type": "date",
            "tickformat": "%b %Y" if grain == "month" else "%-d %b\n%Y",
            "hoverformat": "%B %Y" if grain == "month" else "%a, %-d %b %Y",
            "automargin": True,
            "tickangle": 0,
            "nticks": 7,
        },
        "yaxis": {
            **axis,
            "automargin": True,
            "rangemode": "tozero",
            "tickformat": "~s",
            "nticks": 6,
            "title": {"text": _as_text(unit), "font": {"color": theme.muted, "size": 12}},
        },
        **more,
    }
