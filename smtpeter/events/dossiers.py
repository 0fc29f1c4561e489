"""
The answer to a data request: JSON that is written in parts, since it does not fit in memory.

It is an array of arrays. Each inner one has what belongs together: a message with its content, what happened to it and
what came back for it; then what is left of messages that are gone; at last the entry on the suppression list. A part is
a piece of the text, compressed; all of them in order are the inside of the outer array.
"""

import json
import zlib
from base64 import b64encode
from collections.abc import Iterable, Sequence

from smtpeter.events.rows import record_of
from smtpeter.mime.contents import read_contents
from smtpeter.model.event import Event, written_time
from smtpeter.model.inquiry import Match
from smtpeter.model.message import Return
from smtpeter.model.suppression import Suppression

PART_BYTES = 1 << 20
"""Of text, in one part."""

_LEVEL = 1

CLOSING = b"]}"
"""Behind the last part."""

Record = dict[str, object]


def message_record(match: Match, content: bytes | None) -> Record:
    """
    A message.

    @param content: as it was sent; C{None} when it is kept no longer.
    """
    told: Record = {
        "id": match.message_id,
        "time": written_time(match.received_at),
        "envelope": match.reverse_path,
        "recipient": match.recipient,
        "state": match.state,
        "tags": list(match.tags),
    }
    return {"type": "message", "data": told if content is None else told | _texts(content)}


def _texts(content: bytes) -> Record:
    contents = read_contents(content)
    files = [*contents.attachments, *contents.embeds]
    return {
        "text": contents.text(),
        "html": contents.html(),
        "files": [{"name": file.name, "type": file.type, "size": file.size} for file in files],
        **_octets(content),
    }


def _octets(content: bytes) -> Record:
    """As text where it is one, without loss in any case."""
    try:
        return {"mime": content.decode("utf-8")}
    except UnicodeDecodeError:
        return {"mime_base64": b64encode(content).decode("ascii")}


def event_records(events: Iterable[Event]) -> list[Record]:
    """What happened, as the API tells it elsewhere."""
    return [{**record_of(event), "type": "event"} for event in events]


def return_records(returned: Iterable[Return]) -> list[Record]:
    """Mail that came back."""
    return [
        {
            "type": "return",
            "data": {"time": written_time(one.received_at), "envelope": one.reverse_path, **_octets(one.content)},
        }
        for one in returned
    ]


def suppression_record(entry: Suppression) -> Record:
    """An entry on the suppression list."""
    told = {
        "address": entry.address,
        "reason": entry.reason.value,
        "time": written_time(entry.at),
        "message": entry.message_id,
        "description": entry.description,
    }
    return {"type": "suppression", "data": told}


def write_arrays(arrays: Sequence[Sequence[Record]], is_first: bool) -> tuple[list[bytes], int]:
    """
    The next parts.

    @param is_first: whether nothing is in front of them.
    @return: the parts, and the size of their text.
    """
    texts = (json.dumps(array, separators=(",", ":")) for array in arrays if array)
    text = "".join(f",{one}" for one in texts)[int(is_first) :].encode("ascii")
    pieces = (text[start : start + PART_BYTES] for start in range(0, len(text), PART_BYTES))
    return [zlib.compress(piece, _LEVEL) for piece in pieces], len(text)


def about(address: str) -> Record:
    """What the answer is about."""
    return {"type": "email", "id": address}


def opening(address: str) -> bytes:
    """In front of the first part."""
    return f'{{"info":{json.dumps(about(address))},"data":['.encode("ascii")


def read_part(part: bytes) -> bytes:
    """The text of a part."""
    return zlib.decompress(part)


def read_whole(address: str, parts: Iterable[bytes]) -> bytes:
    """The whole answer as JSON, in memory."""
    return b"".join((opening(address), *map(read_part, parts), CLOSING))


def without_data(address: str, told: str) -> bytes:
    """An answer that has a text where data would be."""
    return json.dumps({"info": about(address), "data": told}).encode("ascii")
