"""Tests of reading JSON and form data."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.web.api.bodies import read_body
from smtpeter.web.api.faults import APIError
from smtpeter.web.api.json_text import MAX_DEPTH, MAX_VALUES

FORM = "application/x-www-form-urlencoded"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def nested(depth: int) -> bytes:
    """An object so deep."""
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


class BodyTests(SynchronousTestCase):
    """Bodies by their type."""

    def refusal(self, body: bytes, content_type: str = "application/json") -> str:
        with self.assertRaises(APIError) as caught:
            read_body(content_type, body)
        self.assertEqual(caught.exception.status, 400)
        message: str = caught.exception.faults[0].message
        return message

    def test_types(self) -> None:
        """JSON and form data are taken, in UTF-8; everything else is refused by its name."""
        for content_type in (
            "application/json",
            "Application/JSON; charset=UTF-8",
            'application/json; charset="utf-8"',
        ):
            self.assertEqual(read_body(content_type, b'{"a": "\xc3\xbc"}'), {"a": "ü"})
        self.assertEqual(read_body("application/json", b'\xef\xbb\xbf{"a": 1}'), {"a": 1})
        for content_type in (FORM, f"{FORM}; charset=UTF-8", "application/x-www-form-encoded"):
            self.assertEqual(read_body(content_type, b"a=%C3%BC"), {"a": "ü"})
        self.assertIn("utf-16", self.refusal(b"{}", "application/json; charset=utf-16"))
        for content_type in ("", "text/plain", "text/json", "multipart/form-data"):
            self.assertIn("Content-Type has to be", self.refusal(b"{}", content_type))

    def test_wrong_json(self) -> None:
        """What is no JSON, or JSON of which programs think differently, is refused with the reason."""
        for body, reason in (
            (b"{", "not JSON.*line 1"),
            (b"[1]", "JSON object"),
            (b'"a"', "JSON object"),
            (b"{} {}", "not JSON"),
            (b'{"a": 1, "b": {"x": 1, "x": 2}}', 'key "x" twice'),
            (b'{"a": NaN}', "NaN is no number"),
            (b'{"a": -Infinity}', "Infinity is no number"),
            (b'{"a": "\xff"}', "not UTF-8"),
            (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
            (b'{"a": "\\ud800"}', "half of a character"),
            (b'{"\\udc00": 1}', "half of a character"),
            (b'{"a": [["\\ud83d\\u0020"]]}', "half of a character"),
            (b'{"a": "\n"}', "not JSON"),
            (b'{"a": ' + b"9" * 10_000 + b"}", "number that is too long"),
        ):
            self.assertRegex(self.refusal(body), reason, body[:40])
        self.assertEqual(read_body("application/json", b'{"a": "\\ud83d\\ude00 \\\\ud800"}'), {"a": "😀 \\ud800"})

    def test_last_commas(self) -> None:
        """A comma behind the last value is let pass, one anywhere else is not, and texts are left alone."""
        for body, value in (
            (b'{"a": "x",\r\n}', "x"),
            (b'{"a": [1, {"b": true, }, ], }', [1, {"b": True}]),
            (b'{"a": [[], "x,]", "\\",]",],}', [[], "x,]", '",]']),
        ):
            self.assertEqual(read_body("application/json", body), {"a": value}, body)
        for body in (b"{,}", b'{"a": [,]}', b'{"a": 1,,}', b'{"a": [1,,]}', b'{,"a": 1}', b'{"a": 1},', b'{"a",}'):
            self.assertIn("not JSON", self.refusal(body), body)
        self.assertIn("line 2, column 5", self.refusal(b'{"a": [1,],\n"b" 1}'))
        self.assertIn("twice", self.refusal(b'{"a": 1, "a": 2,}'))
        self.assertIn("half", self.refusal(b'{"a": "\\ud800",}'))

    def test_bounds(self) -> None:
        """Depth and number of values are bounded before anything is built; brackets in texts do not count."""
        self.assertTrue(read_body("application/json", nested(MAX_DEPTH)))
        for depth in (MAX_DEPTH + 1, 100_000):
            self.assertIn("deep", self.refusal(nested(depth)))
        self.assertIn("deep", self.refusal(b'{"a":' + b"[" * 1_000_000))
        self.assertIn("too many", self.refusal(b'{"a":[' + b"1," * MAX_VALUES + b"1]}"))
        text = "[{" * 1000 + '\\"[['
        self.assertEqual(read_body("application/json", json.dumps({"a": text}).encode()), {"a": text})
        self.assertIn("too many", self.refusal(b"a&" * 200_000, FORM))
        self.assertIn("deep", self.refusal(b"a[b][c][d][e]=1", FORM))

    def test_form(self) -> None:
        """A key that is there several times, C{key[]} and C{key[0]} are arrays, C{key[name]} is a member."""
        for body, wanted in (
            (b"a=x", {"a": "x"}),
            (b"a=x&a=y", {"a": ["x", "y"]}),
            (b"a[]=x", {"a": ["x"]}),
            (b"a%5B%5D=x&a%5B%5D=y", {"a": ["x", "y"]}),
            (b"a[0]=x&a[1]=y", {"a": ["x", "y"]}),
            (b"a[n]=x&a[m]=y", {"a": {"n": "x", "m": "y"}}),
            (b"a[0][n]=x&a[0][m]=y&a[1][n]=z", {"a": [{"n": "x", "m": "y"}, {"n": "z"}]}),
            (b"a=%C3%BC+%2B&b=&c", {"a": "ü +", "b": "", "c": ""}),
        ):
            self.assertEqual(read_body(FORM, body), wanted, body)
        for body in (b"a=%ff", b"\xff=a", b"[a]=1", b"=1", b"a[=1", b"a=1&a[b]=2"):
            self.assertIn("The body", self.refusal(body, FORM))

    @given(st.recursive(TEXTS | st.integers() | st.booleans() | st.none(), lambda inner: st.lists(inner, max_size=3)))
    def test_json_is_json(self, value: Any) -> None:
        """What the standard library writes is read as it was."""
        for ascii in (True, False):
            text = json.dumps({"a": value}, ensure_ascii=ascii).encode()
            self.assertEqual(read_body("application/json", text), {"a": value})

    @given(st.binary(max_size=60))
    def test_any_bytes(self, body: bytes) -> None:
        """Nothing but a refusal comes of any bytes."""
        for content_type in ("application/json", FORM):
            try:
                read_body(content_type, body)
            except APIError as error:
                self.assertEqual(error.status, 400)
