"""Tests of L{smtpeter.events.dossiers}."""

import json
from base64 import b64decode
from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.events import dossiers
from smtpeter.events.dossiers import (
    event_records,
    message_record,
    read_part,
    return_records,
    suppression_record,
    write_arrays,
)
from smtpeter.model.inquiry import Match
from smtpeter.model.message import Return, Trace
from smtpeter.model.suppression import Suppression, SuppressionReason
from tests.conformance.samples import sample_event, sample_id

MATCH = Match(
    message_id=sample_id(),
    recipient="joe@example.com",
    reverse_path="b@shop.example",
    state="delivered",
    tags=("a", "b"),
    received_at=1_700_000_000.0,
)
RECORDS = st.dictionaries(st.text(max_size=5), st.text(max_size=30))
HEAD = b"Content-Type: text/plain; charset=%b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"


def told(content: bytes | None) -> Any:
    """What is told of a message."""
    record = message_record(MATCH, content)
    assert record["type"] == "message"
    return record["data"]


class RecordTests(SynchronousTestCase):
    """What is told."""

    def test_message(self) -> None:
        """A message has its envelope, its texts and its octets, without loss even where they are no text."""
        about = {
            "id": MATCH.message_id,
            "time": "2023-11-14 22:13:20",
            "envelope": "b@shop.example",
            "recipient": "joe@example.com",
            "state": "delivered",
            "tags": ["a", "b"],
        }
        self.assertEqual(told(None), about)
        content = HEAD % b"utf-8" + "Grüße\r\n".encode()
        texts: dict[str, object] = {"text": "Grüße\r\n", "html": None, "files": [], "mime": content.decode()}
        self.assertEqual(told(content), about | texts)
        content = HEAD % b"iso-8859-1" + "Grüße\r\n".encode("latin-1")
        found = told(content)
        self.assertEqual((found["text"], b64decode(found["mime_base64"])), ("Grüße\r\n", content))
        self.assertNotIn("mime", found)

    def test_files(self) -> None:
        """Attached and embedded files are listed."""
        part = (
            b'--b\r\nContent-Type: image/png\r\nContent-ID: <x>\r\nContent-Disposition: %b; filename="a"\r\n\r\nxyz\r\n'
        )
        head = b"Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n"
        found = told(head + part % b"attachment" + part % b"inline" + b"--b--\r\n")
        self.assertEqual(found["files"], [{"name": "a", "type": "image/png", "size": 3}] * 2)
        self.assertEqual(found["html"], "<p>")

    def test_others(self) -> None:
        """Events are told as elsewhere, mail that came back by its octets, an entry by its reason."""
        event = evolve(sample_event(MATCH.message_id), data={"from": "192.0.2.1"})
        (record,) = event_records([event])
        self.assertEqual((record["type"], record["event"]), ("event", "delivery"))
        returned = Return(
            id=sample_id(),
            message_id=MATCH.message_id,
            recipient="x@bounces.example",
            reverse_path="",
            content=b"Subject: x\r\n\r\n",
            trace=Trace(protocol="ESMTP"),
            received_at=0.0,
        )
        data = {"time": "1970-01-01 00:00:00", "envelope": "", "mime": "Subject: x\r\n\r\n"}
        self.assertEqual(return_records([returned]), [{"type": "return", "data": data}])
        entry = Suppression(account_id=1, address="a@b", reason=SuppressionReason.COMPLAINT, at=0.0, description="d")
        wanted = {"address": "a@b", "reason": "complaint", "time": data["time"], "description": "d"}
        for message_id, more in ((None, {"event": "", "message": ""}), ("m", {"event": "abuse", "message": "m"})):
            record = suppression_record(evolve(entry, message_id=message_id))
            self.assertEqual(record, {"type": "suppression", "data": wanted | more})


class WritingTests(SynchronousTestCase):
    """Parts."""

    @settings(max_examples=50, deadline=None)
    @given(
        st.lists(st.lists(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=30)), max_size=3)), max_size=4)
    )
    def test_whole(self, steps: list[list[list[dict[str, object]]]]) -> None:
        """However it was divided into steps and parts, all parts together are the arrays that are not empty."""
        self.patch(dossiers, "PART_BYTES", 7)
        texts: list[bytes] = []
        for arrays in steps:
            parts, size = write_arrays(arrays, not texts)
            pieces = [read_part(part) for part in parts]
            self.assertEqual(sum(map(len, pieces)), size)
            self.assertLessEqual(max(map(len, pieces), default=0), 7)
            texts += pieces
        found = json.loads(b"[" + b"".join(texts) + b"]")
        self.assertEqual(found, [array for arrays in steps for array in arrays if array])
