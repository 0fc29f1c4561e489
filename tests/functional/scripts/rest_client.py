"""
A client of the REST API of a few lines, as programs have it: requests, the token in the address, JSON by json.dumps.

It makes the calls that it reads, a JSON array, and writes what was answered, in the same order.
"""

import json
import os
import sys
from typing import Any

import requests


class Client:
    """Asks with a token."""

    def __init__(self, root: str, token: str) -> None:
        self.root = root
        self.token = token

    def post(self, path: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Send JSON."""
        return self.text(path, json.dumps(fields), "application/json")

    def text(self, path: str, body: str, type: str) -> dict[str, Any]:
        """Send a body as it is."""
        url = f"{self.root}/{path}?access_token={self.token}"
        headers = {"Content-type": type}
        return self.told(requests.post(url, data=body.encode(), headers=headers, verify=self.trusted(), timeout=30))

    def form(self, path: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Send form data: requests repeats the key of an array."""
        url = f"{self.root}/{path}"
        parameters = {"access_token": self.token}
        return self.told(requests.post(url, fields, params=parameters, verify=self.trusted(), timeout=30))

    def get(self, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        """Ask for something."""
        parameters = {**parameters, "access_token": self.token}
        return self.told(requests.get(f"{self.root}/{path}", parameters, verify=self.trusted(), timeout=30))

    def trusted(self) -> str:
        """The file of the certificate that is trusted."""
        return os.environ["TRUSTED"]

    def told(self, answer: requests.Response) -> dict[str, Any]:
        """What came back."""
        type = answer.headers["Content-Type"]
        value = answer.json() if type == "application/json" else answer.content.decode()
        return {"status": answer.status_code, "type": type, "value": value}


client = Client(os.environ["SMTPETER"], os.environ["TOKEN"])
json.dump([getattr(client, how)(*rest) for how, *rest in json.load(sys.stdin)], sys.stdout)
