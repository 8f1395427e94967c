"""A text that was refused, without the records that are about a person.

Belongs here: cutting into records what no reader could: lines of CSV, objects of JSON. Does not:
texts that read by their contract (`delivered.py`), whom a record is about (`traces.py`).
"""

import json
import re

from orchestration.erasure.delivered import is_record
from orchestration.erasure.traces import Traces
from orchestration.people import ERASED

# Something else may stand in front: a line of a log, a comment.
_BEGINS_LIKE_JSON = re.compile(r"^[\[{]", re.MULTILINE)
# A line of one record or more: NDJSON, or an array that was written line by line.
_LINE_OF_OBJECTS = re.compile(rf'[ \t]*[\[,]?[ \t]*(?:\{{.+|,?"?{ERASED}"?,?|[\[\],]*)\s*')
# A text inside JSON ends with its line, closed or not: a quote too few must not turn all that
# follows inside out.
_BRACES_AND_TEXTS = re.compile(r'(?::\s*)?\{|\}|"(?:[^"\\\n]|\\.)*"?')


def without_records(text: str, traces: Traces) -> str:
    """The text without the lines, or the objects of JSON, that are about the person."""
    if not _BEGINS_LIKE_JSON.search(text.lstrip()):
        return _without_lines(text, traces)
    lines = text.split("\n")
    if all(_LINE_OF_OBJECTS.fullmatch(line) for line in lines):
        return "\n".join(_without_objects(line, traces) for line in lines)
    return _without_objects(text, traces)


def _without_lines(text: str, traces: Traces) -> str:
    return "\n".join(ERASED if traces.is_about(line) else line for line in text.split("\n"))


def _without_objects(text: str, traces: Traces) -> str:
    pieces, done = [], 0
    for begin, end in _records(text, traces):
        record = text[begin:end]
        if traces.is_about(record):
            # What was broken stays broken: nothing comes to count because somebody was erased.
            record = json.dumps(ERASED) if is_record(record) else ERASED
        pieces += [_without_lines(text[done:begin], traces), record]
        done = end
    return "".join([*pieces, _without_lines(text[done:], traces)])


def _records(text: str, traces: Traces) -> list[tuple[int, int]]:
    """Where each record of JSON begins and ends: an object that stands in no other.

    One object around several is no record, when what is its own does not mention the person.
    """
    found = _objects(text)
    if len(found) != 1:
        return found
    ((begin, end),) = found
    begin += 1
    inner = [
        (begin + a, begin + b)
        for a, b in _objects(text[begin:end].removesuffix("}"), are_members=True)
    ]
    around, done = "", begin
    for first, last in inner:
        around += text[done:first]
        done = last
    around += text[done:end]
    is_wrapped = len(inner) > 1 and not traces.mentions(around.encode(errors="replace"))
    return inner if is_wrapped else found


def _objects(text: str, *, are_members: bool = False) -> list[tuple[int, int]]:
    """Where objects that stand in no other begin and end, also where braces do not match.

    One that is never closed goes on to the end, one that was never opened begins behind the last.
    `are_members` says that the text is the inside of an object: a value has lost no beginning then.
    """
    found, opened, done = [], [], 0
    for match in _BRACES_AND_TEXTS.finditer(text):
        if match[0][0] in ":{":
            if match[0][0] == ":" and not opened and not are_members:
                opened.append(done)
            opened.append(match.end() - 1)
        elif match[0] == "}":
            begin = opened.pop() if opened else done
            if not opened:
                found.append((begin, match.end()))
                done = match.end()
    return [*found, (opened[0], len(text))] if opened else found
