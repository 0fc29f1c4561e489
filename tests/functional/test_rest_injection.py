"""
Values that try to be more than values: line ends of every kind in every text of a send, checked where the mail arrives.

All of the matrix goes through one connection. Each request is refused with 400, or its mail has the fields, parts and
recipients of an innocent one, and the value is there as the text that it is.
"""

import copy
import email
import email.policy
import http.client
import json
import re
from collections import Counter
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.utils import parseaddr
from itertools import product
from typing import Any
from urllib.parse import urlencode

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

from tests.support.installation import Installation
from tests.support.rest import INSECURE, client
from tests.support.sink import Delivered, Sink

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

BREAKS = (
    *("\r\n", "\n", "\r", "\r\n ", "\n\t", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0"),
    *("\x7f", "\x1b", "\r\n\r\n", "\r\n.\r\n"),
)
"""Characters at which one program or another ends a line, or a text."""

WORDS = (
    *("=?utf-8?q?=0D=0A?=", "=?utf-8?q?x=0D=0ABcc=3A_e=40y.example?=", "=?utf-8?b?DQpCY2M6IGVAeS5leGFtcGxl?="),
    *("=?us-ascii?Q?=0A?=", "=?utf-8?q?=00?=", "%0D%0A", "\\r\\n", "&#13;&#10;"),
)
"""Other ways to write them: texts like others, unless somebody decodes them."""

BASE: dict[str, Any] = {
    "recipient": "r@y.example",
    "envelope": "e@shop.example",
    "from": "Ann <a@shop.example>",
    "to": "Bob <b@y.example>",
    "cc": "Cor <c@y.example>",
    "replyto": "Dan <d@y.example>",
    "subject": "s",
    "text": "x",
    "html": "<p>x</p>",
    "extra": {"x-one": "1", "x-number": "0"},
    "unsubscribe": {"email": "u@y.example", "url": "https://y.example/u"},
    "attachments": [
        {"data": "eA==", "name": "a.txt", "type": "text/plain"},
        {"data": "eA==", "name": "b.gif", "type": "image/gif", "cid": "b"},
    ],
    "tags": ["t"],
    "dsn": {"notify": "FAILURE", "ret": "HDRS", "envid": "id", "orcpt": "o@y.example"},
    "maxdelivertime": "2096-01-01 00:00:00",
    "images": "default",
    "trackbounces": "false",
}

PLACES: dict[str, tuple[tuple[str | int, ...], str]] = {
    **{name: ((name,), "{}") for name in ("subject", "text", "html", "maxdelivertime", "images", "trackbounces")},
    **{f"{name} name": ((name,), "{} <a@shop.example>") for name in ("from", "to", "cc", "replyto")},
    **{f"{name} quoted": ((name,), '"{}" <a@shop.example>') for name in ("from", "to")},
    **{f"{name} address": ((name,), "{}@shop.example") for name in ("from", "cc", "envelope")},
    **{f"{name} domain": ((name,), "a@{}") for name in ("from", "replyto", "envelope", "recipient")},
    **{f"{name} list": ((name,), "a@shop.example, {}") for name in ("to", "cc")},
    "replyTo": (("replyTo",), "{} <a@shop.example>"),
    "recipient": (("recipient",), "{}@y.example"),
    "recipient whole": (("recipient",), "{}"),
    "extra": (("extra", "x-one"), "{}"),
    "unsubscribe.email": (("unsubscribe", "email"), "{}@y.example"),
    "unsubscribe.url": (("unsubscribe", "url"), "https://y.example/{}"),
    "unsubscribe.url host": (("unsubscribe", "url"), "https://{}/"),
    "unsubscribe text": (("unsubscribe",), "{}@y.example"),
    **{f"attachment {name}": (("attachments", 0, name), "{}") for name in ("name", "type")},
    "attachment type parameter": (("attachments", 0, "type"), "text/plain; charset={}"),
    "attachment url": (("attachments", 0, "url"), "http://127.0.0.1/{}"),
    **{f"embed {name}": (("attachments", 1, name), "{}") for name in ("name", "type", "cid")},
    "tags": (("tags",), "{}"),
    "tag": (("tags", 0), "{}"),
    **{f"dsn.{name}": (("dsn", name), "{}") for name in ("notify", "ret", "envid")},
    "dsn.orcpt": (("dsn", "orcpt"), "{}@y.example"),
    "dsn.orcpt type": (("dsn", "orcpt"), "{};o@y.example"),
}
"""Where a value stands, and what is around the bad one."""

NAMES = ("extra name", "recipients name", "dsn name", "property")
"""Names of members can be bad too."""

CONTENT = ("text", "html")
"""Places where lines end as their writer likes."""

SHOWN = {"subject": "subject", "extra": "x-one"}

COMMANDS = (
    *("a@b.example>\r\nRCPT TO:<c@d.example", "a@b.example>\nDATA\n", "a@b.example> SIZE=1", "a@b.example\r\nRSET"),
    *(
        "a@b.example> NOTIFY=NEVER",
        "<a@b.example>",
        "a@b.example>",
        "<a@b.example",
        'a"\r\n"@b.example',
        "a@b.example\0",
    ),
    *(
        '"a\r\nRCPT TO:<c@d.example>"@b.example',
        '"a\0"@b.example',
        "a@[127.0.0.1]>\r\nDATA",
        "a b@b.example",
        "@a:b@c.d",
    ),
    *(
        "a@b.example\r\n.\r\nMAIL FROM:<c@d.example",
        "a@b\u2028.example",
        "a\x85@b.example",
        "a@b.example RCPT",
        "a@b@c.d",
    ),
)
"""Addresses with more of SMTP in them."""


@frozen(kw_only=True)
class Try:
    """A request of the matrix."""

    place: str
    bad: str
    is_raw: bool
    """Whether the bad characters are themselves there."""
    body: dict[str, Any]


def placed(number: int, where: tuple[str | int, ...], value: str) -> dict[str, Any]:
    """An innocent mail but for one value."""
    body = copy.deepcopy(BASE)
    body["extra"]["x-number"] = str(number)
    if where[0] == "replyTo":
        del body["replyto"]
    inner: Any = body
    for step in where[:-1]:
        inner = inner[step]
    inner[where[-1]] = value
    if where[-1] == "url" and where[0] == "attachments":
        del inner["data"]
    return body


def named(number: int, place: str, name: str) -> dict[str, Any]:
    """An innocent mail but for the name of one member."""
    body = placed(number, ("subject",), "s")
    if place == "recipients name":
        body["recipient"] = {f"{name}@y.example": {}}
    elif place == "property":
        body[f"subject{name}"] = "s"
    else:
        member = "extra" if place == "extra name" else "dsn"
        body[member][f"x-{name}"] = "s"
    return body


def tries() -> Iterator[Try]:
    """All of the matrix: every break in every place, at its beginning, within it and at its end."""
    values = [
        (form.format(bad), True) for form in ("{}Bcc: e@y.example", "x{}Bcc: e@y.example", "x{}") for bad in BREAKS
    ]
    values += [(form.format(bad), False) for form in ("x{}Bcc: e@y.example", "x{}") for bad in WORDS]
    for number, (place, (value, is_raw)) in enumerate(product((*PLACES, *NAMES), values)):
        if place in NAMES:
            yield Try(place=place, bad=value, is_raw=is_raw, body=named(number, place, value))
        else:
            where, around = PLACES[place]
            yield Try(place=place, bad=value, is_raw=is_raw, body=placed(number, where, around.replace("{}", value)))


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """A body as form data has it."""
    if value == {}:
        yield name, ""
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from flat(inner, f"{name}[{key}]" if name else str(key))
    else:
        yield name, value


class InjectionTests(SynchronousTestCase):
    """The matrix, and addresses with commands in them."""

    def test_matrix(self) -> None:
        """No value adds a field, a part or a recipient; what is not refused is shown as it was given."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            token = client(it).token
            connection = http.client.HTTPConnection("localhost", it.web_port, timeout=30)
            self.assertEqual(self.send(connection, token, placed(-1, ("subject",), "s"))[0], 200)
            (innocent,) = sink.wait_for(1)
            taken: dict[str, tuple[Try, str]] = {}
            for one in tries():
                status, answer = self.send(connection, token, one.body)
                self.assertIn(status, (200, 400), (one, answer))
                if status == 200:
                    ((_, recipient),) = answer.items()
                    taken[one.body["extra"]["x-number"]] = one, recipient
            connection.close()
            self.check_taken([one for one, _ in taken.values()])
            shape = shape_of(innocent.content)
            for mail in sink.wait_for(len(taken) + 1)[1:]:
                one, recipient = taken.pop(str(email.message_from_bytes(mail.content)["x-number"]))
                self.check(one, recipient, mail, shape)
            self.assertEqual(taken, {})
            it.wait_events("delivery", len(sink.arrived))
            self.assertEqual(len(it.events("attempt")), len(sink.arrived))
            it.stop()

    def send(
        self, connection: http.client.HTTPConnection, token: str, body: dict[str, Any], type: str = JSON
    ) -> tuple[int, Any]:
        """Send it. @return: status and answer."""
        text = json.dumps(body) if type == JSON else urlencode(list(flat(body)))
        headers = {"Content-Type": type, "Authorization": f"Bearer {token}"}
        connection.request("POST", "/v1/send", text.encode(), headers)
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())

    def check_taken(self, taken: list[Try]) -> None:
        """Which tries may be granted: content, what nobody reads, and words that are only words."""
        lenient = {*CONTENT, "property", "dsn name"}
        raw = {(one.place, one.bad) for one in taken if one.is_raw and one.place not in lenient}
        # White space around an address is no part of it.
        self.assertEqual({place for place, bad in raw if bad.startswith("x") and "Bcc" in bad}, set())
        self.assertEqual({place for place, _ in raw}, {"recipient domain", "envelope domain"})
        places = {one.place for one in taken if not one.is_raw}
        self.assertLessEqual({"subject", "extra", "from name", "attachment name", "tag", *lenient}, places)

    def check(self, one: Try, recipient: str, mail: Delivered, shape: Any) -> None:
        """An arrived mail."""
        self.assertEqual(mail.recipients, (recipient,), one)
        self.assertIn(recipient, (str(one.body["recipient"]).strip(), f"{one.bad}@y.example"), one)
        self.assertEqual(mail.reverse_path, one.body["envelope"].strip(), one)
        found: Any = email.message_from_bytes(mail.content, policy=email.policy.default)
        here = shape_of(mail.content)
        if one.place == "extra name":
            here[0][f"x-{one.bad}".lower()] -= 1
        self.assertEqual([+names for names in here], shape, one)
        self.check_shown(one, mail.content, found)

    def check_shown(self, one: Try, content: bytes, found: Any) -> None:
        """A value that was not refused is read as it was given."""
        if one.place in SHOWN:
            self.assertEqual(found[SHOWN[one.place]], one.bad)
        property, _, kind = one.place.partition(" ")
        if property in ("from", "to", "cc", "replyto") and kind in ("name", "quoted"):
            wanted = re.sub(r"\\(.)", r"\1", one.bad) if kind == "quoted" else one.bad
            self.assertEqual(mailbox_of(content, property), (wanted, "a@shop.example"), one)
        if one.place == "attachment name":
            (attached,) = found.iter_attachments()
            self.assertEqual(attached.get_filename(), one.bad)
        if one.place in CONTENT:
            text = found.get_body(("html" if one.place == "html" else "plain",)).get_content()
            self.assertIn("Bcc" if "Bcc" in one.bad else "x", text)

    def test_commands(self) -> None:
        """Addresses that carry commands are refused wherever an address stands."""
        places: tuple[tuple[str | int, ...], ...] = (("recipient",), ("envelope",), ("unsubscribe", "email"))
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            token = client(it).token
            connection = http.client.HTTPConnection("localhost", it.web_port, timeout=30)
            for bad in COMMANDS:
                bodies = [placed(0, where, bad) for where in places]
                bodies += [{**BASE, "recipients": ["r@y.example", bad]}, {**BASE, "recipients": {bad: {}}}]
                if "\r" in bad or "\n" in bad or "\0" in bad:
                    bodies += [placed(0, (name,), bad) for name in ("from", "to", "cc", "replyto", "replyTo")]
                    bodies += [placed(0, ("dsn", "orcpt"), bad), placed(0, ("dsn", "envid"), bad)]
                for body in bodies:
                    for type in (JSON, FORM):
                        status, answer = self.send(connection, token, body, type)
                        self.assertEqual(status, 400, (bad, body, type, answer))
            self.assertEqual(self.send(connection, token, BASE, FORM)[0], 200)
            connection.close()
            self.assertEqual([one.recipients for one in sink.wait_for(1)], [("r@y.example",)])
            self.assertEqual(len(it.events("attempt")), 1)


def mailbox_of(content: bytes, property: str) -> tuple[str, str]:
    """Name and address of a field, whose encoded words are read one by one: the newer reader parts some by a space."""
    text = str(email.message_from_bytes(content)[property.replace("replyto", "reply-to")])
    name, address = parseaddr("".join(text.splitlines()))
    return str(make_header(decode_header(name))), address


def shape_of(content: bytes) -> list[Counter[str]]:
    """The names of the header fields of a message as it came, and of each of its parts."""
    header = content.partition(b"\r\n\r\n")[0]
    lines = [line for line in header.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    own = Counter(line.partition(b":")[0].decode("ascii").lower() for line in lines)
    parts = email.message_from_bytes(content).walk()
    return [own, *(Counter(name.lower() for name in part) for part in list(parts)[1:])]
