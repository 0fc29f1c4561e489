"""
What schemathesis loads: texts of the forms that L{tests.support.described} names, and what a proxy says of clients.

It is imported by the process of schemathesis alone.
"""

import base64
import itertools
import re
import string
from typing import Any

import schemathesis
from hypothesis import strategies as st

ADDRESSES = ("joe@example.net", '"a,b"@example.net', "zoë@bücher.example", "x+y@[192.0.2.1]", "A@SUB.example.net")
MAILBOXES = ("joe@example.net", "Joe <joe@example.net>", '"Doe, Joe" <joe@example.net>', "Zoë Ü <zoe@example.net>")

_LINE = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=40)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def _joined(values: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3).map(", ".join)


for name, strategy in {
    "pure-address": st.sampled_from(ADDRESSES),
    "pure-addresses": _joined(ADDRESSES),
    "mailbox": st.sampled_from(MAILBOXES),
    "mailboxes": _joined(MAILBOXES),
    "line": _LINE,
    "some-text": _TEXT,
    "file-name": st.text(string.ascii_letters + " .ü€'\"/\\", max_size=30),
    "base64": st.binary(max_size=60).map(lambda octets: base64.b64encode(octets).decode()),
    "media-type": st.sampled_from(("", "text/plain", "text/csv; charset=utf-8", "image/png", "application/x-a.b+c")),
    "content-id": st.uuids().map(str),
    "https-url": st.sampled_from(("https://shop.example/u?a=b", "https://bücher.example:8443/ü")),
    "notify": st.sampled_from(("NEVER", "failure, Delay", "SUCCESS", "FAILURE,SUCCESS,DELAY", "")),
    "orcpt": st.sampled_from(("rfc822;joe@example.net", "joe@example.net", "")),
}.items():
    schemathesis.openapi.format(name, strategy)

_numbers = itertools.count()
_KEY = re.compile("[!-~]{1,200}")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """As a proxy in front would do: each request is another client's. A good key is used once."""
    number, headers = next(_numbers), dict(case.headers or {})
    headers |= {"X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}
    headers |= {"X-Forwarded-Proto": "https"}
    key = headers.get("Idempotency-Key")
    if isinstance(key, str) and _KEY.fullmatch(key):
        headers["Idempotency-Key"] = f"{number}{key}"
    case.headers = headers
