"""
What a token opens, on every route that the server has: its account's things, for its scopes, as long as it is there.

The routes are those that the server is built with, so a new one is tried as soon as it exists.
"""

import http.client
import json
import re
from base64 import b64encode
from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import quote

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.assembly.api import build_api
from smtpeter.config.file import load_settings
from smtpeter.model.account import SCOPES
from smtpeter.web.api.routes import Route
from tests.support.database import postgresql_url
from tests.support.installation import Installation
from tests.support.rest import INSECURE, Client, Reply, client
from tests.support.sink import Sink

MARK = "hushhush"
"""It is in all that the owner has and nobody else may see."""

MESSAGE = {
    "recipient": f"{MARK}@y.example",
    "from": "a@shop.example",
    "subject": MARK,
    "text": MARK,
    "html": f"<p>{MARK} <img src='cid:x'></p>",
    "tags": [MARK],
    "attachments": [
        {"data": b64encode(MARK.encode()).decode(), "name": f"{MARK}.txt", "type": "text/plain"},
        {"data": b64encode(MARK.encode()).decode(), "name": f"{MARK}.gif", "type": "image/gif", "cid": "x"},
    ],
}

PART = re.compile(r"<(?:\w+:)?(\w+)>")

EMPTY = ("/events/email/", "/events/tags/", "/events/template/", "/logfiles/20")
"""Questions to which there is always an answer: a stranger gets an empty one."""

KNOWN = {
    *(f"/{name}/<id>" for name in ("recipient", "envelope", "text", "html", "header", "headers", "mime")),
    *("/attachments/<id>", "/embeds/<id>", "/attachments/<id>/<path:which>", "/embeds/<id>/<path:which>"),
    *("/events/messageid/<id>", "/events/email/<path:address>", "/events/template/<id>", "/events/tags/<path:names>"),
    *("/logfiles", "/logfiles/<name>", "/logfiles/<name>/<format>", "/tag/<path:tag>", "/recent-tags", "/statistics"),
}
"""Where the owner is answered with what is its own, so that a refusal to others means something."""


class Anything:
    """Stands for all that is only stored while the API is built."""

    def __getattr__(self, name: str) -> "Anything":
        return self

    def __call__(self, *_: object) -> "Anything":
        return self


def routes_of(it: Installation) -> list[Route]:
    """All routes of the server."""
    anything: Any = Anything()
    api = build_api(load_settings(it.config), anything, anything)
    return [route for family in api._families for route in family.routes()]


def paths_of(route: Route, known: dict[str, list[str]]) -> Iterator[str]:
    """
    The path of a route with what the owner has in its variable parts.

    @param known: by the name of the part; a part of another name is tried as the id of a message.
    """
    if "template" in route.path:
        known = {**known, "id": ["0"]}
    names = PART.findall(route.path)
    for values in product(*(known.get(name, known["id"]) for name in names)):
        path = route.path
        for value in values:
            path = PART.sub(quote(value, safe=""), path, count=1)
        yield path


class SeparationTests(SynchronousTestCase):
    """Another account, no token, a token for something else."""

    def test_every_route(self) -> None:
        """To another account nothing of the owner's exists, on no route; without a token or its scope there is none."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            owner = client(it)
            ((message_id, _),) = owner.post("/v1/send", MESSAGE).json.items()
            it.wait_events("delivery")
            (day,) = owner.get("/v1/logfiles").json
            known = {
                "id": [message_id],
                "address": [f"{MARK}@y.example"],
                **{name: [MARK] for name in ("tag", "names")},
                "which": ["0"],
                "name": [day, f"attempts.{day}.log", f"deliveries.{day}.log"],
                "format": ["header", "json", "xml"],
            }
            self.found: set[str] = set()
            self.make_others(it)
            text = owner.get(f"/v1/mime/{message_id}").body
            for route in routes_of(it):
                for path in paths_of(route, known):
                    self.check(route, path, owner, message_id)
            self.assertEqual(KNOWN - self.found, set())
            self.assertEqual(unsigned(owner.get(f"/v1/mime/{message_id}").body), unsigned(text))
            self.assertEqual(len(it.events("attempt")), 1)
            it.stop()

    def make_others(self, it: Installation) -> None:
        """Tokens of another account, and of the owner's with one scope less."""
        self.nobody = Client(it, "")
        self.without = {}
        for scope in SCOPES:
            rest = [option for one in SCOPES if one != scope for option in ("--scope", one)]
            self.without[scope] = Client(it, it.cli("token", "create", f"no-{scope}", *rest)["token"])
        it.cli("account", "create", "other")
        self.stranger = Client(it, it.cli("token", "create", "stranger", "--account", "other")["token"])

    def check(self, route: Route, path: str, owner: Client, message_id: str) -> None:
        """One path of a route."""
        body = json.dumps({"message": message_id}).encode() if route.method in ("POST", "PUT") else None

        def ask(who: Client) -> Reply:
            return who.ask(route.method, f"/v1{path}", body, Content_Type="application/json")

        self.assertEqual(ask(self.nobody).status, 401, (route, path))
        self.assertEqual(ask(self.without[route.scope]).status, 403, (route, path))
        reply = ask(self.stranger)
        if PART.search(route.path) or path == "/resend":
            is_empty = route.method == "GET" and path.startswith(EMPTY)
            if "/logfiles/20" in path and path.endswith((".log", "header", "json", "xml")):
                is_empty = False
            self.assertEqual(reply.status, 200 if is_empty else 404, (route, path, reply))
            if is_empty:
                self.assertEqual(reply.json, [], path)
        self.assertNotIn(message_id.encode(), reply.body, path)
        self.assertNotIn(MARK.encode(), reply.body, path)
        if route.method == "GET" and ask(owner).status == 200:
            self.found.add(route.path)


def unsigned(content: bytes) -> bytes:
    """A message without its signature."""
    return re.sub(rb"(?m)^DKIM-Signature:[^\n]*\n(?:[ \t][^\n]*\n)*", b"", content)


class Kept:
    """A connection that is kept between requests."""

    def __init__(self, it: Installation, token: str) -> None:
        self.connection = http.client.HTTPConnection("localhost", it.web_port, timeout=30)
        self.connection.connect()
        self.socket: Any = self.connection.sock
        self.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}

    def status(self, method: str, path: str, value: Any = None) -> int:
        """Ask. @raise AssertionError: it was not kept."""
        self.connection.request(method, path, json.dumps(value) if value else None, self.headers)
        reply = self.connection.getresponse()
        reply.read()
        assert self.connection.sock is self.socket
        return reply.status


class RevokedTests(SynchronousTestCase):
    """A token that was deleted is dead with the next request, wherever that comes from."""

    MAIL = {"recipient": "b@y.example", "from": "a@shop.example", "text": "x"}

    def check_revoked(self, it: Installation, kept: list[Kept]) -> None:
        """Every connection is answered, and none after the token was deleted."""
        for one in kept:
            self.assertEqual(one.status("GET", "/v1/recent-tags"), 200)
            self.assertEqual(one.status("POST", "/v1/send", self.MAIL), 200)
        (name,) = [one["name"] for one in it.listed("token", "list", "--account", "default")]
        it.cli("token", "delete", name, "--account", "default")
        for one in kept:
            self.assertEqual(one.status("POST", "/v1/send", self.MAIL), 401)
            self.assertEqual(one.status("GET", "/v1/recent-tags"), 401)

    def test_kept(self) -> None:
        """On connections that were open before, and were used."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            token = client(it).token
            self.check_revoked(it, [Kept(it, token) for _ in range(3)])
            it.stop()

    def test_suspended(self) -> None:
        """An account that was suspended sends nothing more, also on connections that were open before."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            kept = Kept(it, client(it).token)
            self.assertEqual(kept.status("POST", "/v1/send", self.MAIL), 200)
            it.cli("account", "suspend", "default")
            self.assertEqual(kept.status("POST", "/v1/send", self.MAIL), 403)
            it.cli("account", "resume", "default")
            self.assertEqual(kept.status("POST", "/v1/send", self.MAIL), 200)

    def test_two_servers(self) -> None:
        """On both of two servers with one database."""
        url = postgresql_url(self.addCleanup)
        with (
            Sink() as sink,
            Installation(sink.port, web=INSECURE, database=url) as one,
            Installation(sink.port, web=INSECURE, database=url, is_started=False) as two,
        ):
            two.take_secrets(one)
            two.start()
            token = client(one).token
            self.check_revoked(two, [Kept(it, token) for it in (one, two) for _ in range(2)])
            one.stop()
            two.stop()
