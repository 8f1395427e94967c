"""Streams of events: what happens to a warehouse, in order, drawn from a seed.

Belongs here: the kinds of events, a stream from its seed, the same files in another order. Does
not: records (`shop.py`), making the events happen (`workshop.py`).
"""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random

from ordeal.shop import DAYS, KEYS, Row, Shop

# How often a file is one of the feed.
FEEDS = {
    "customers": 4,
    "addresses": 2,
    "products": 4,
    "orders": 6,
    "order_items": 6,
    "payments": 2,
    "shipments": 2,
    "inventory": 1,
    "clickstream": 1,
}
# Feeds whose deliveries are full lists in a stream of full lists.
FULL_FEEDS = ("products", "addresses")
# A build that is to be killed dies at one of its first so many statements.
STATEMENTS = 600


@dataclass(frozen=True)
class Deliver:
    """A file is dropped into landing."""

    name: str
    content: bytes

    def __str__(self) -> str:
        text = self.content.decode().rstrip("\n").replace("\n", "\n        ")
        return f"deliver {self.name}\n        {text}"


@dataclass(frozen=True)
class Load:
    """What lies in landing is loaded."""

    def __str__(self) -> str:
        return "load"


@dataclass(frozen=True)
class TakeBack:
    """A file, by its name, or a batch is retracted, if anything of it is in effect."""

    target: str

    def __str__(self) -> str:
        return f"retract {self.target}"


@dataclass(frozen=True)
class BringBack:
    """A file, by its name, or a batch is restored, if anything of it is retracted."""

    target: str

    def __str__(self) -> str:
        return f"restore {self.target}"


@dataclass(frozen=True)
class Lookup:
    """A seed of the project gets another content."""

    seed: str
    content: str
    change: str

    def __str__(self) -> str:
        return f"lookup {self.seed}: {self.change}"


@dataclass(frozen=True)
class Build:
    """What lies in landing is loaded, then everything is built.

    With `dies_at` the build is killed at its statement of that number, `after_ms` later.
    """

    dies_at: int | None = None
    after_ms: int = 0

    def __str__(self) -> str:
        if self.dies_at is None:
            return "build"
        return f"build, killed {self.after_ms} ms after statement {self.dies_at}"


Event = Deliver | Load | TakeBack | BringBack | Lookup | Build


@dataclass(frozen=True)
class Stream:
    """The events of a seed; `is_full` when products and addresses come as full lists."""

    seed: int
    is_full: bool
    events: tuple[Event, ...]


def draw_stream(seed: int, seeds_folder: Path, *, kills: bool = True) -> Stream:
    """The stream of a seed, over the lookups that stand in `seeds_folder`.

    Every eighth has full lists. Without `kills` no build is killed.
    """
    chance = Random(seed)
    is_full = seed % 8 == 5
    draw = _Draw(chance, seeds_folder, is_full)
    events: list[Event] = [draw.new_file() for _ in range(chance.randint(8, 14))]
    events += [draw.event() for _ in range(chance.randint(10, 24))]
    places = sorted(chance.sample(range(4, len(events)), chance.choice((1, 2, 2, 3))), reverse=True)
    for place in places:
        events.insert(place, Build())
        if chance.random() < 0.4 and kills:
            killed = Build(chance.randint(1, STATEMENTS), chance.choice((0, 0, 1, 5, 20)))
            # Either the same is built again at once, or more comes first.
            events.insert(max(0, place - chance.choice((0, 0, 1, 3))), killed)
    return Stream(seed, is_full, (*events, Build()))


class _Draw:
    """Draws events; remembers what was delivered."""

    def __init__(self, chance: Random, seeds_folder: Path, is_full: bool) -> None:
        self._chance = chance
        self._shop = Shop(chance)
        self._is_full = is_full
        self._lookups = {
            name: (seeds_folder / f"{name}.csv").read_text(encoding="utf-8")
            for name in ("order_statuses", "payment_statuses", "event_types", "genders")
        }
        self._rows: dict[str, list[Row]] = {}
        self._content: dict[str, bytes] = {}
        self._taken_back: list[str] = []
        self._patches: list[dict[str, str]] = []

    def event(self) -> Event:
        """Any event but a build."""
        draws = {
            self.new_file: 8,
            self._doubled_file: 2,
            self._correction: 5,
            self._retraction: 4,
            self._restoration: 2,
            self._lookup: 2,
            self._patch: 2,
        }
        (drawn,) = self._chance.choices(list(draws), list(draws.values()))
        return drawn()

    def new_file(self) -> Event:
        """A file of a name that was not there."""
        (feed,) = self._chance.choices(list(FEEDS), list(FEEDS.values()))
        ending = "csv" if feed not in _JSON_FEEDS else self._chance.choice(("json", "ndjson"))
        day = self._chance.choice(DAYS).replace("-", "_")
        name = f"{feed}_{day}_{len(self._rows)}.{ending}"
        if self._is_full and feed in FULL_FEEDS:
            rows = [
                self._shop.record(feed, key) for key in KEYS[feed] if self._chance.random() < 0.8
            ]
        else:
            rows = [self._shop.record(feed) for _ in range(self._chance.randint(1, 10))]
        return self._deliver(name, rows)

    def _deliver(self, name: str, rows: list[Row]) -> Event:
        self._rows[name] = rows
        broken = self._chance.choices((0, 1, len(rows) + 2), (12, 3, 1))[0]
        self._content[name] = _content(name, rows, broken)
        return Deliver(name, self._content[name])

    def _doubled_file(self) -> Event:
        """The bytes of a file once more, under its own name or another."""
        name = self._chance.choice(list(self._content))
        if self._chance.random() < 0.2:
            return Deliver(name, self._content[name])
        feed, ending = _feed_of(name), name.rpartition(".")[2]
        day = self._chance.choice(DAYS).replace("-", "_")
        double = f"{feed}_{day}_{len(self._rows)}.{ending}"
        self._rows[double] = self._rows[name]
        self._content[double] = self._content[name]
        return Deliver(double, self._content[double])

    def _correction(self) -> Event:
        """A known name with other rows: some changed, some gone, some new."""
        name = self._chance.choice(list(self._rows))
        feed = _feed_of(name)
        rows = [
            self._shop.changed(feed, row) if self._chance.random() < 0.4 else row
            for row in self._rows[name]
            if self._chance.random() < 0.85
        ]
        if self._chance.random() < 0.4:
            rows.append(self._shop.record(feed))
        return self._deliver(name, rows)

    def _retraction(self) -> Event:
        target = self._chance.choice([*self._content, *self._chance.sample(DAYS, 2)])
        self._taken_back.append(target)
        return TakeBack(target)

    def _restoration(self) -> Event:
        return BringBack(self._chance.choice(self._taken_back or [DAYS[0]]))

    def _lookup(self) -> Event:
        """One row of a lookup goes, comes back, or says something else."""
        seed = self._chance.choice(["order_statuses", "order_statuses", *self._lookups])
        header, *lines = self._lookups[seed].splitlines()
        place = self._chance.randrange(len(lines))
        change = f"without {lines[place]}"
        if seed == "order_statuses" and self._chance.random() < 0.5:
            status, is_revenue, rest = lines[place].split(",", 2)
            other = {"true": "false", "false": "true"}[is_revenue]
            lines[place] = self._chance.choice(
                (
                    f"{status},{other},{rest}",
                    f"{status},{is_revenue},true,2025-01-04,,From a day on",
                )
            )
            change = f"with {lines[place]}"
        else:
            del lines[place]
        return Lookup(seed, "\n".join([header, *lines]) + "\n", change)

    def _patch(self) -> Event:
        """A steward corrects a value of a delivered row, or takes a patch back."""
        if self._patches and self._chance.random() < 0.3:
            gone = self._patches.pop(self._chance.randrange(len(self._patches)))
            return self._patched(f"without {','.join(gone.values())}")
        name = self._chance.choice([name for name, rows in self._rows.items() if rows])
        number = self._chance.randrange(len(self._rows[name]))
        record = self._shop.changed(_feed_of(name), self._rows[name][number])
        simple = [column for column, value in record.items() if not isinstance(value, dict)]
        column = self._chance.choice(simple)
        patch = {
            "file_name": name,
            "row_number": str(number + 1),
            "column_name": column,
            "new_value": record[column] or "",
            "who": "a steward",
            "why": "a call",
            "sha256": sha256(self._content[name]).hexdigest(),
        }
        # Of two patches of one cell neither would count, and a test of the seed fails.
        if any(_cells(patch) & _cells(other) for other in self._patches):
            return self.new_file()
        # Without the hash it speaks of the only content of its name, while there is only one.
        if self._chance.random() < 0.5:
            patch["sha256"] = ""
        self._patches.append(patch)
        return self._patched(f"with {','.join(patch.values())}")

    def _patched(self, change: str) -> Event:
        return Lookup("patches", _csv(self._patches, _PATCH_COLUMNS), change)


_JSON_FEEDS = ("customers", "products", "payments", "clickstream")
_PATCH_COLUMNS = ("file_name", "row_number", "column_name", "new_value", "who", "why", "sha256")


def _cells(patch: dict[str, str]) -> set[tuple[str, str, str]]:
    """What a patch may speak of: a cell of a name, and of bytes."""
    return {
        (patch[by], patch["row_number"], patch["column_name"]) for by in ("file_name", "sha256")
    }


def _feed_of(name: str) -> str:
    return name.partition("_2025")[0]


def _content(name: str, rows: list[Row], broken: int) -> bytes:
    """A file of the rows and of a number of lines or elements that cannot be read."""
    if name.endswith("ndjson"):
        return "".join([json.dumps(row) + "\n" for row in rows] + ["[]\n"] * broken).encode()
    if name.endswith("json"):
        return (json.dumps([*rows, *[0] * broken]) + "\n").encode()
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return (_csv(rows, columns) + ("a," * (len(columns) + 1) + "\n") * broken).encode()


def _csv(rows: Iterable[Row], columns: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def reordered(
    deliveries: Iterable[Deliver], in_effect: set[tuple[str, str]], chance: Random
) -> list[Event]:
    """Deliveries in another order that leave the same in effect: names and SHA-256 (hex).

    Contents of one name keep their order, since arrival decides which corrects which: what is in
    effect comes last. What is not in effect is taken back at the end. Every content comes, because
    a patch that names no hash counts only while its file's name has had one content.
    """
    contents: dict[str, list[bytes]] = defaultdict(list)
    for delivery in deliveries:
        contents[delivery.name].append(delivery.content)
    placed: list[tuple[float, Event]] = []
    taken_back: list[Event] = []
    for name, versions in contents.items():
        last = [v for v in versions if (name, sha256(v).hexdigest()) in in_effect][-1:]
        chosen = list(dict.fromkeys(v for v in versions if v not in last)) + last
        places = sorted(chance.random() for _ in chosen)
        placed += zip(places, [Deliver(name, content) for content in chosen], strict=True)
        if not last:
            taken_back += [TakeBack(name)] * len(chosen)
    placed += [(chance.random(), Load()) for _ in range(3)]
    return [event for _, event in sorted(placed, key=lambda pair: pair[0])] + taken_back
