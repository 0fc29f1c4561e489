"""The API over an in-memory database, asked by bytes."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from attrs import frozen
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from typing_extensions import override

from smtpeter.auth.passwords import hash_token
from smtpeter.model.account import SCOPES, Account, Scope, Standing
from smtpeter.storage.accounts import StoredAccounts
from smtpeter.storage.database import Database
from smtpeter.storage.tokens import StoredTokens
from smtpeter.web.api.answers import too_busy, too_large
from smtpeter.web.api.doorkeeper import Doorkeeper
from smtpeter.web.api.routes import Family
from smtpeter.web.api.service import API
from smtpeter.web.proxies import Transport, proxies
from smtpeter.web.requests import BodyLimit, WebSite
from smtpeter.web.site import HostRouter, PublicSite
from tests.storage.test_accounts import ReversingVault
from tests.support.database import memory_database, now
from tests.web.test_requests import connect

KEY = b"k" * 32
LIMIT = 200_000
A = TypeVar("A")
T = TypeVar("T")


class NoThreads:
    """Runs it here, and counts."""

    def __init__(self) -> None:
        self.runs = 0

    async def run(self, function: Callable[[A], T], argument: A, /) -> T:
        self.runs += 1
        return function(argument)


@frozen
class Reply:
    """An answer of the API."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The value, whose type is said exactly."""
        assert self.headers["content-type"] == "application/json", self
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The message of its only fault."""
        assert set(self.json) == {"error"}, self
        return str(self.json["error"]["message"])


def read_reply(raw: bytes) -> Reply:
    """An answer with a length."""
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Reply(int(status.split()[1]), headers, body)


class APITestCase(SynchronousTestCase):
    """Has an account C{a} with the token C{all}, and asks."""

    allow_insecure = True
    proxies: tuple[str, ...] = ()

    @override
    def setUp(self) -> None:
        self.clock, self.threads = Clock(), NoThreads()
        self.database: Database = memory_database()
        self.accounts = StoredAccounts(database=self.database, vault=ReversingVault())
        self.tokens = StoredTokens(database=self.database)
        self.account = self.add_account("a")
        self.add_token("all")
        doorkeeper = Doorkeeper(
            tokens=self.tokens,
            hash_token=partial(hash_token, KEY),
            transport=Transport(allow_insecure=self.allow_insecure, proxies=proxies(self.proxies)),
            clock=self.clock,
        )
        api = API(doorkeeper, self.threads, self.families())
        limits = {b"v1": BodyLimit(LIMIT, too_large(LIMIT), too_busy())}
        router = HostRouter(
            Resource(), PublicSite(api, Resource()), "https://clicks.api.example", "https://api.example"
        )
        self.site = WebSite(router, 1000, self.clock, limits)

    def families(self) -> Sequence[Family]:
        """What the API consists of."""
        return ()

    def add_account(self, name: str, standing: Standing = Standing.ACTIVE) -> Account:
        return now(self.accounts.create_account(name, standing, 1.0))

    def add_token(self, text: str, scopes: Sequence[Scope] = SCOPES, account: Account | None = None) -> int:
        owner = account or self.account
        return now(self.tokens.create_token(owner.id, text, hash_token(KEY, text), scopes, 1.0)).id

    def ask(self, method: str, path: str, body: bytes = b"", token: str | None = "all", **headers: str) -> Reply:
        """Send a request, and read its answer."""
        fields = {"Host": "api.example", "Content-Length": str(len(body))} | headers
        if token is not None:
            fields["Authorization"] = f"Bearer {token}"
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        raw = self.raw(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)
        return read_reply(raw)

    def raw(self, data: bytes) -> bytes:
        """Send bytes, and read what comes."""
        protocol, transport = connect(self.site)
        protocol.dataReceived(data)
        answer: bytes = transport.value()
        return answer

    def post(self, path: str, value: Any, token: str | None = "all", **headers: str) -> Reply:
        """Send JSON."""
        return self.ask("POST", path, json.dumps(value).encode(), token, Content_Type="application/json", **headers)
