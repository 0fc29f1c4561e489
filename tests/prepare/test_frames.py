"""Tests of the frames between server and worker."""

import json
from array import array
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.prepare import InlineRequest, InlineResult, InliningFailed
from smtpeter.prepare.frames import (
    MAX_FRAME,
    FrameReader,
    FrameTooLong,
    frame,
    packed_error,
    packed_request,
    packed_result,
    unpacked_request,
    unpacked_result,
)


class FrameTests(SynchronousTestCase):
    """Cutting the stream."""

    @given(st.lists(st.binary(max_size=20), max_size=6), st.lists(st.integers(1, 9), min_size=1, max_size=5))
    @settings(max_examples=100, deadline=None)
    def test_any_segmentation(self, contents: list[bytes], sizes: list[int]) -> None:
        """However the stream is cut, the frames come out whole and in order."""
        stream = b"".join(map(frame, contents))
        reader, found, index = FrameReader(), [], 0
        while stream:
            size = sizes[index % len(sizes)]
            found += reader.feed(stream[:size])
            stream, index = stream[size:], index + 1
        self.assertEqual(found, contents)

    def test_too_long(self) -> None:
        """A frame over the limit is refused when it is announced."""
        reader = FrameReader()
        self.assertEqual(reader.feed(b"\0\0\0\1x"), [b"x"])
        self.assertRaises(FrameTooLong, reader.feed, (MAX_FRAME + 1).to_bytes(4))


class ContentTests(SynchronousTestCase):
    """What frames hold."""

    def test_round_trips(self) -> None:
        """Requests and results come out as they went in, lone surrogates included."""
        request = InlineRequest(html="<p>é\ud800</p>", style_sheets=("a", "b"))
        self.assertEqual(unpacked_request(packed_request(request)), request)
        result = InlineResult(attributes={3: {"style": "é"}}, remaining=("x", ""), warnings=("w",))
        self.assertEqual(unpacked_result(packed_result(result)), result)

    def test_refusal(self) -> None:
        """An error is raised with its sentence."""
        failure = self.assertRaises(InliningFailed, unpacked_result, packed_error("Too much."))
        self.assertEqual(str(failure), "Too much.")

    def test_nonsense(self) -> None:
        """An answer that cannot be read is a refusal too."""
        good = {"kinds": [{"style": "a:b"}], "remaining": ["x"], "warnings": []}
        rows = array("I", (7, 0)).tobytes()
        self.assertEqual(
            unpacked_result(_reply(good, rows)), InlineResult(attributes={7: {"style": "a:b"}}, remaining=("x",))
        )
        wrong: tuple[dict[str, Any], ...] = (
            {"kinds": 1},
            {"kinds": [1]},
            {"kinds": [{"style": 1}]},
            {"kinds": []},
            {"remaining": 1},
            {"remaining": [1]},
            {"warnings": [{}]},
            {"warnings": None},
        )
        for changes in wrong:
            self.assertRaises(InliningFailed, unpacked_result, _reply(good | changes, rows))
        whole = _reply(good, rows)
        for content in (whole[:-1], whole[:-4], whole + rows[:4], _reply(1, b"")):
            self.assertRaises(InliningFailed, unpacked_result, content)
        for content in (b"", b"\0\0\0", b"\0\0\0\x09{}", b"\0\0\0\2{}", b"\0\0\0\1\xff"):
            self.assertRaises(InliningFailed, unpacked_result, content)

    def test_cut_off(self) -> None:
        """A request that lacks something at its end is none."""
        content = packed_request(InlineRequest(html="ab", style_sheets=("c",)))
        for end in (0, 2, 5, 7, len(content) - 1):
            self.assertRaises(ValueError, unpacked_request, content[:end])

    def test_alike(self) -> None:
        """What many elements have alike is written once, and read as one object."""
        style = {"style": "color:red" * 50}
        result = InlineResult(attributes=dict.fromkeys(range(1000), style), remaining=())
        packed = packed_result(result)
        self.assertLess(len(packed), 12_000)
        unpacked = unpacked_result(packed)
        self.assertEqual(unpacked, result)
        self.assertIs(unpacked.attributes[0], unpacked.attributes[999])


def _reply(words: Any, rows: bytes) -> bytes:
    written = json.dumps(words).encode()
    return len(written).to_bytes(4) + written + rows
