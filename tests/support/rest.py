"""A REST client of a few lines, over real HTTP."""

import json
import urllib.error
import urllib.request
from typing import Any

from attrs import define, frozen

from tests.support.installation import Installation

INSECURE = "allow_insecure = true"
"""The key with which an installation answers over HTTP."""


@frozen
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The value, whose type is said exactly."""
        assert self.headers["content-type"] == "application/json", self
        return json.loads(self.body)


@define(eq=False)
class Client:
    """Asks an installation with a token."""

    it: Installation
    token: str

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """Send a request."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            fields.setdefault("Authorization", f"Bearer {self.token}")
        url = f"http://localhost:{self.it.web_port}{path}"
        request = urllib.request.Request(url, body, fields, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return _reply(answer.status, answer)
        except urllib.error.HTTPError as error:
            with error:
                return _reply(error.code, error)

    def post(self, path: str, value: Any, **headers: str) -> Reply:
        """Send JSON."""
        return self.ask("POST", path, json.dumps(value).encode(), Content_Type="application/json", **headers)

    def get(self, path: str) -> Reply:
        """Ask for something."""
        return self.ask("GET", path)


def client(it: Installation, *options: str) -> Client:
    """With a new token of the account C{default}; its sender domain is C{shop.example}."""
    if "shop.example" not in [one["name"] for one in it.listed("domain", "list")]:
        it.cli("domain", "add", "shop.example", "--approve")
    name = "token-" + "-".join(option.strip("-") for option in options)
    return Client(it, it.cli("token", "create", name, *options)["token"])


def _reply(status: int, answer: Any) -> Reply:
    return Reply(status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())
