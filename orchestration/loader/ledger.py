"""The ledger: which file is known, which counts, and what stands in for what.

Belongs here: the rows of `bronze.files`, the rules of duplicates, corrections and stand-ins. Does
not: rows of feeds (`file_load.py`), batches (`batches.py`), moving files.
"""

from collections import defaultdict
from contextlib import AbstractContextManager
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime

from duckdb import DuckDBPyConnection

from orchestration.transaction import transaction


@dataclass(frozen=True)
class Entry:
    """One row of `bronze.files`, its columns in their order there."""

    file_id: int
    file_name: str
    feed: str | None
    batch_id: str | None
    batch_date: date | None
    sha256: str
    size_bytes: int
    status: str
    reason: str | None
    rows_read: int | None
    rows_loaded: int | None
    rows_rejected: int | None
    duplicate_of: int | None
    superseded_by: int | None
    drift: str | None
    loaded_at: datetime
    reprocessed: str | None = None
    read_as: str | None = None


_COLUMNS = ", ".join(field.name for field in fields(Entry))


@dataclass(frozen=True)
class Verdict:
    """What to do with a file's bytes.

    `duplicate_of` is set when they are not to be loaded; `supersedes` holds the entries that a
    file of this name takes the place of.
    """

    duplicate_of: Entry | None
    supersedes: tuple[Entry, ...]


class Ledger:
    """The table as one run asks it: what it takes to answer follows what landed, not what ever did.

    `add` and `record` belong inside `transaction`.
    """

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection
        self._rewritten: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        for feed, delivered, sha256, size in connection.execute(
            "select feed, sha256, rewritten_sha256, rewritten_size_bytes"
            " from bronze.rewritten_files"
        ).fetchall():
            self.keep_rewritten(feed, delivered, sha256, size)

    def keep_rewritten(
        self, feed: str, delivered: str, sha256: str | None, size_bytes: int | None
    ) -> None:
        """Know that copies of a content are, or will be, written again without an erased person."""
        known = self._rewritten[feed, delivered]
        if sha256 is not None and size_bytes is not None:
            known[sha256] = size_bytes

    def is_rewritten(self, feed: str | None, sha256: str) -> bool:
        """Whether copies of a delivered content may not stay as they were delivered."""
        return (feed, sha256) in self._rewritten

    def contents(self, entry: Entry) -> dict[str, int]:
        """sha256 → size (bytes) of what a copy of a delivered file may hold: it, or rewritten."""
        rewritten = self._rewritten.get((entry.feed or "", entry.sha256), {})
        return {entry.sha256: entry.size_bytes, **rewritten}

    def origins(self, feed: str | None, sha256: str) -> list[str]:
        """The delivered contents that a content may be: itself, and those it was rewritten from."""
        return [
            sha256,
            *(
                delivered
                for (of_feed, delivered), known in self._rewritten.items()
                if of_feed == (feed or "") and sha256 in known
            ),
        ]

    def is_content(self, feed: str | None, announced: str, sha256: str) -> bool:
        """Whether a file of this sha256 is the announced one, or it without an erased person."""
        return announced == sha256 or sha256 in self._rewritten.get((feed or "", announced), {})

    def next_id(self) -> int:
        """A file_id greater than every one before."""
        row = self._connection.execute("select nextval('bronze.file_ids')").fetchone()
        assert row is not None
        return row[0]

    def add(self, entry: Entry) -> None:
        """Write an entry of a new file_id."""
        marks = ", ".join("?" for _ in fields(Entry))
        self._connection.execute(
            f"insert into bronze.files ({_COLUMNS}) values ({marks})", list(astuple(entry))
        )

    def record(self, entry: Entry) -> None:
        """Write the entry of a file_id as it now is."""
        assignments = ", ".join(f"{field.name} = ?" for field in fields(Entry)[1:])
        self._connection.execute(
            f"update bronze.files set {assignments} where file_id = ?",
            [*astuple(entry)[1:], entry.file_id],
        )

    def where(self, condition: str, *parameters: object) -> list[Entry]:
        """The entries that a condition over `bronze.files as files` holds for, as they came."""
        rows = self._connection.execute(
            f"select {_COLUMNS} from bronze.files as files where {condition} order by file_id",
            parameters,
        ).fetchall()
        return [Entry(*row) for row in rows]

    def __getitem__(self, file_id: int) -> Entry:
        (entry,) = self.where("file_id = ?", file_id)
        return entry

    def of_name(self, file_name: str) -> list[Entry]:
        """Every entry of a name, in the order they came."""
        return self.where("file_name = ?", file_name)

    def known_names(self, file_names: list[str]) -> set[str]:
        """Those of the names under which something came before."""
        rows = self._connection.execute(
            "select distinct file_name from bronze.files where file_name in (select unnest(?))",
            [file_names],
        ).fetchall()
        return {name for (name,) in rows}

    def same_bytes(self, feed: str | None, sha256: str) -> list[Entry]:
        """Every delivery of these bytes to a feed, under any name."""
        return self.where("sha256 = ? and feed is not distinct from ?", sha256, feed)

    def delivered(self, file_name: str, sha256: str | None) -> Entry | None:
        """The delivery that answers a trigger that names this file, None when there is none.

        It is the last one, unless that was taken back; or was refused and is not the announced
        one, by its hash: then the last one that was not refused.
        """
        of_name = self.of_name(file_name)
        if not of_name or of_name[-1].status == "retracted":
            return None
        if of_name[-1].status != "discarded" or sha256 in (None, of_name[-1].sha256):
            return of_name[-1]
        in_effect = [entry for entry in of_name if entry.status in ("loaded", "duplicate")]
        return in_effect[-1] if in_effect else None

    def newest(self, file_name: str) -> Entry | None:
        """The last entry of a name, whatever its status."""
        of_name = self.of_name(file_name)
        return of_name[-1] if of_name else None

    def as_read(self, feed: str | None, sha256: str) -> Entry:
        """A delivery of these bytes by whose name they were read; else the first."""
        entries = self.same_bytes(feed, sha256)
        return next((entry for entry in entries if entry.rows_loaded is not None), entries[0])

    def counting(self, feed: str | None, sha256: str, file_name: str) -> Entry | None:
        """The entry of a feed with these bytes that counts: that of `file_name`, or the first."""
        return min(
            (entry for entry in self.same_bytes(feed, sha256) if entry.status == "loaded"),
            key=lambda entry: (entry.file_name != file_name, entry.file_id),
            default=None,
        )

    def delivery(self, feed: str, batch_date: date) -> list[Entry]:
        """The files of a feed and batch date that count."""
        return self.where("feed = ? and batch_date = ? and status = 'loaded'", feed, batch_date)

    def delivery_dates(self, feed: str) -> list[date]:
        """Batch dates, ascending, for which a feed has rows that count."""
        return [
            day
            for (day,) in self._connection.execute(
                "select distinct batch_date from bronze.files"
                " where feed = ? and status = 'loaded' and rows_loaded > 0"
                " and batch_date is not null order by batch_date",
                [feed],
            ).fetchall()
        ]

    def judge(self, feed: str, file_name: str, sha256: str) -> Verdict:
        """Whether a delivered file is loaded, and whose place it takes.

        The bytes of a file that counts are a duplicate, unless they correct a file of this name
        that counts with other bytes. Either way an earlier delivery of the name with other bytes
        stops counting, and standing in. A withheld one gives way to any.
        """
        of_this_name = [
            entry
            for entry in self.of_name(file_name)
            if entry.feed == feed
            and (
                (entry.status in ("loaded", "duplicate") and entry.sha256 != sha256)
                or entry.status == "withheld"
            )
        ]
        same_bytes = self.counting(feed, sha256, file_name)
        corrects = any(entry.status == "loaded" for entry in of_this_name)
        if same_bytes is not None and (not corrects or same_bytes.file_name == file_name):
            return Verdict(same_bytes, tuple(of_this_name))
        return Verdict(None, tuple(of_this_name))

    def stand_ins(self) -> list[Entry]:
        """Duplicates whose original counts no more, in the order they arrived."""
        return self.where(
            "status = 'duplicate' and exists (from bronze.files as original"
            " where original.file_id = files.duplicate_of"
            " and original.status not in ('loaded', 'withheld'))"
        )

    def transaction(self) -> AbstractContextManager[None]:
        """All that is written inside is committed together, or none of it."""
        return transaction(self._connection)
