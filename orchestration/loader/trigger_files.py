"""The trigger files in landing: read, put on record, or turned away.

Belongs here: which triggers a load goes by. Does not: what a trigger says (`triggers.py`), whether
its batch may be loaded (`batches.py`).
"""

from collections.abc import Container, Iterable
from dataclasses import replace
from errno import EAGAIN
from hashlib import sha256

from orchestration.loader.batches import Batch, Batches
from orchestration.loader.deliveries import Delivery, Run, failed
from orchestration.loader.file_load import discard_file, record_duplicate_trigger
from orchestration.loader.file_names import TRIGGER, read_name, shown
from orchestration.loader.landing import Landed
from orchestration.loader.moves import copies_by_name, move
from orchestration.loader.outcomes import FileOutcome
from orchestration.loader.refusal import Refused
from orchestration.loader.spool import FileChanged
from orchestration.loader.triggers import MAX_TRIGGER_BYTES, Trigger, archive_tag, read_trigger
from orchestration.loader.units import Announced


def read_triggers(
    run: Run, batches: Batches, landed: Iterable[Landed], unsettled: Container[str]
) -> list[Announced]:
    """The triggers that this load goes by: those in landing, and those on record for a batch that
    is not loaded, should their file be gone.

    A trigger that reads is whole, however new; one that does not is refused once it has settled.
    """
    announced = []
    for file in landed:
        if not file.name.is_trigger:
            continue
        delivery = Delivery(file)
        try:
            trigger = _read_one(run, batches, delivery, file.name.name in unsettled)
        except Exception as error:
            failed(run, file.name, error)
            continue
        if trigger is not None:
            announced.append(Announced(trigger, delivery))
    known = {one.trigger.batch_id for one in announced}
    for batch in batches.open():
        if batch.trigger_file and batch.batch_id not in known:
            announced.append(Announced(_recorded(run, batch), None))
    return announced


def _read_one(run: Run, batches: Batches, delivery: Delivery, is_new: bool) -> Trigger | None:
    """The trigger, on record from now on; None when it is turned away or still being written."""
    name, seen = delivery.name, delivery.seen
    known = batches.get(name.batch_id)
    if known is not None and (known.status, known.sha256) == ("loaded", seen.sha256):
        _repeated(run, delivery)
        return None
    try:
        if name.refusal is not None:
            raise name.refusal
        trigger = read_trigger(_bytes(delivery), name, seen.sha256)
    except Refused as refusal:
        if is_new:
            run.settle(FileOutcome(name.name, "unsettled", reason="It is still being written."))
        else:
            discard_file(run, delivery, refusal)
        return None
    _put(run, batches, trigger, known)
    return trigger


def _bytes(delivery: Delivery) -> bytes:
    with delivery.landed.path.open("rb") as file:
        data = file.read(MAX_TRIGGER_BYTES + 1)
    if len(data) <= MAX_TRIGGER_BYTES and sha256(data).hexdigest() != delivery.seen.sha256:
        raise FileChanged(EAGAIN, "the trigger was written to while it was read")
    return data


def _put(run: Run, batches: Batches, trigger: Trigger, known: Batch | None) -> None:
    if known is not None and known.sha256 == trigger.sha256:
        return
    waits_since = known.first_seen_at if known and known.status != "loaded" else run.clock
    batches.put(
        Batch(
            batch_id=trigger.batch_id,
            batch_date=trigger.batch_date,
            trigger_file=trigger.file_name,
            trigger_id=trigger.trigger_id,
            status="waiting",
            reason=None,
            trigger_json=trigger.text,
            sha256=trigger.sha256,
            first_seen_at=waits_since,
            updated_at=run.clock,
        )
    )


def _repeated(run: Run, delivery: Delivery) -> None:
    """A trigger whose batch is loaded: delivered again, or its move was cut off by a crash."""
    folder = run.settings.archive / TRIGGER
    seen, path = delivery.seen, delivery.landed.path
    tag = archive_tag(seen.sha256)
    if copies_by_name(folder, path.name, [tag], {seen.sha256: seen.size_bytes}):
        record_duplicate_trigger(run, delivery)
    else:
        move(path, folder, seen, tag)
        run.report(f"{shown(delivery.name.name)}: loaded earlier, moved to the archive now.")


def _recorded(run: Run, batch: Batch) -> Trigger:
    assert batch.trigger_file and batch.trigger_json is not None and batch.sha256
    name = read_name(batch.trigger_file, run.feeds, run.clock.date())
    trigger = read_trigger(batch.trigger_json.encode(), name, batch.sha256)
    return replace(trigger, text=batch.trigger_json)
