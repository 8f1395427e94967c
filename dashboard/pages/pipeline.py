"""The pipeline's health: what is published, what came, what is held back, what is late."""

from collections.abc import Sequence

from dash.development.base_component import Component

from dashboard import wording
from dashboard.charts import Series, lines
from dashboard.pages import View
from dashboard.parts import Column, badge, chart, empty, panel, table, text_column, tile, tiles
from dashboard.published import Row

_BUILD_TONES = {"published": "good", "failed": "bad", "interrupted": "bad"}
_FEED_TONES = {"late": "bad", "on time": "good", "came once": ""}
_ACTIONS = {"quarantine": "Held back", "warn": "Warned of", "fail": "Stopped the build"}


def content(view: View) -> Sequence[Component]:
    """The page, top down."""
    feeds = _states(view)
    return [
        _totals(view, feeds),
        _batches(view),
        _feeds(feeds),
        _expectations(view),
        _quarantine(view),
        _builds(view),
        _landing(view),
    ]


def _totals(view: View, feeds: list[Row]) -> Component:
    state, held = view.reader.state, view.reader.row("quarantine_totals")
    late = [row["feed"] for row in feeds if row["state"] == "late"]
    return tiles(
        tile(
            "version",
            "Published version",
            str(state.version),
            note=wording.instant(state.published_at),
        ),
        tile("as_of_date", "Data as of", wording.day(state.as_of_date), note="the business clock"),
        tile(
            "rows_held",
            "Rows in quarantine",
            wording.count(held["rows"]),
            note=f"of {held['feeds']} feeds",
        ),
        tile(
            "amount_held",
            "Money held back",
            wording.amount(held["amount_held"]),
            unit=state.currency,
            note="in those rows",
        ),
        tile(
            "late_feeds",
            "Late feeds",
            wording.count(len(late)),
            note=", ".join(late) or "all are on time",
            tone="bad" if late else "good",
        ),
    )


def _batches(view: View) -> Component:
    columns = [
        text_column("Batch date", "batch_date", wording.day),
        Column("Files", "files", wording.count),
        Column("Rows", "rows_loaded", wording.count),
        Column("Unreadable", "rows_rejected", wording.count),
        Column("Not counting", "files_not_counting", wording.count),
    ]
    rows = view.reader.rows("batches")
    return panel(
        "Last batches",
        table("batches", "Files and rows by batch date", columns, rows)
        if rows
        else empty("No file came yet."),
        note="The last 14 batch dates. Not counting: doubled, discarded, withheld,"
        " replaced or taken back.",
    )


def _feeds(feeds: list[Row]) -> Component:
    columns = [
        text_column("Feed", "feed", wording.plain),
        text_column("State", "state", lambda state: badge(state, _FEED_TONES[state])),
        text_column("Last batch", "last_batch_date", wording.day),
        Column("Days behind", "days_behind", wording.count),
        Column("Usual gap", "usual_gap_days", wording.decimal),
    ]
    if any(row["expected_by"] for row in feeds):
        columns.append(text_column("Expected by", "expected_by", wording.instant))
    return panel(
        "Feeds",
        table("feeds", "When each feed last came", columns, feeds)
        if feeds
        else empty("No file came yet."),
        note="Late: past what its contract expects, or behind the newest batch of all by more than"
        " the feed's usual gap and a day.",
    )


def _states(view: View) -> list[Row]:
    """When each feed last came, late ones first; `expected_by` of those that a contract expects.

    Data that are loaded long after their days are never late by contract, so that the business
    clock judges, too.
    """
    feeds, late_by_contract = view.reader.rows("feeds"), view.late()
    for row in feeds:
        late = late_by_contract.get(row["feed"])
        row["expected_by"] = late and late.late_since
        came_once = "came once" if row["batch_dates"] == 1 else "on time"
        row["state"] = "late" if late or row["is_late"] else came_once
    return sorted(feeds, key=lambda row: (row["state"] != "late", -row["days_behind"], row["feed"]))


def _expectations(view: View) -> Component:
    rows = view.reader.rows("expectation_trend")
    title, note = (
        "Expectations not met",
        "Checks that failed per 1,000, by batch date, as they stand now.",
    )
    if not rows:
        return panel(title, empty("Nothing was checked yet."), note=note, wide=True)
    actions = dict.fromkeys(row["action"] for row in rows)
    series = [
        Series(
            name=_ACTIONS[action],
            x=[row["batch_date"] for row in rows if row["action"] == action],
            y=[
                1000 * row["rows_failed"] / (row["rows_checked"] or 1)
                for row in rows
                if row["action"] == action
            ],
            color=color,
        )
        for color, action in enumerate(actions)
    ]
    figure = lines(view.theme, series, "per 1,000 checks", "day")
    described = f"{title} over time."
    return panel(title, chart("expectation_trend", figure, described), note=note, wide=True)


def _quarantine(view: View) -> Component:
    rows = view.reader.rows("quarantine")
    columns = [
        text_column("Feed", "feed", wording.plain),
        text_column("Reason", "reason", wording.plain),
        Column("Rows", "rows", wording.count),
        Column("Money held", "amount_held", wording.amount),
        text_column("Since batch", "first_seen", wording.day),
    ]
    return panel(
        "Quarantine",
        table("quarantine", "Rows held back by reason", columns, rows)
        if rows
        else empty("No row is held back."),
        note="The 15 reasons that hold most money. A row comes back when its reason is gone.",
        wide=True,
    )


def _builds(view: View) -> Component:
    rows = view.reader.rows("builds")
    columns = [
        text_column("Started", "started_at", wording.instant),
        text_column("Status", "status", lambda status: badge(status, _BUILD_TONES.get(status, ""))),
        Column("Took", "seconds", wording.seconds),
        Column("Files", "files", wording.count),
        Column("Rows", "rows", wording.count),
        Column("Version", "published_version", wording.count),
    ]
    return panel(
        "Last builds",
        table("builds", "Last builds", columns, rows) if rows else empty("No build by a run yet."),
        note="When this version was published. Builds that failed since: make status.",
    )


def _landing(view: View) -> Component:
    columns = [
        text_column("File", "file"),
        text_column("Status", "status", lambda status: badge(status, "warn")),
        text_column("Why", "reason", lambda reason: reason or wording.NO_VALUE),
    ]
    rows = [
        {"file": name, "status": left.status, "reason": left.reason}
        for name, left in sorted(view.landing.items())
    ]
    return panel(
        "In landing",
        table("landing", "Files that the last load left in landing", columns, rows)
        if rows
        else empty("The last load left nothing behind."),
        note="What the last load left there, and why.",
        wide=True,
    )
