"""What a load says of each file and batch.

Belongs here: values that a caller reads. Does not: how they came about.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file.

    `status`: loaded, duplicate, discarded; or it still lies in landing: held, waiting, unsettled
    (still being written), failed (no fault of the file; it is due again). `code` is a reason code
    of the landing contract, `reason` a sentence. `superseded` names the file it took the place of.
    """

    file_name: str
    status: str
    feed: str | None = None
    code: str | None = None
    reason: str | None = None
    file_id: int | None = None
    batch_id: str | None = None
    rows_read: int = 0
    rows_loaded: int = 0
    rows_rejected: int = 0
    superseded: str | None = None


@dataclass(frozen=True)
class BatchOutcome:
    """Where a batch stands after this load. `status`: waiting, late, held or loaded."""

    batch_id: str
    status: str
    trigger_file: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class LoadReport:
    """What one load did, file by file and batch by batch."""

    files: tuple[FileOutcome, ...]
    batches: tuple[BatchOutcome, ...]
