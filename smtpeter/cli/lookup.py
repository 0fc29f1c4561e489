"""Asks DNS without a reactor, within a time limit (RFC 1035, over UDP)."""

import os
import re
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import define
from twisted.names import dns

RESOLV_CONF = Path("/etc/resolv.conf")
QUERY_SECONDS = 2.0

Server = tuple[str, int]


class NoAnswer(Exception):
    """No name server has answered in time, or it could not tell."""


@define(eq=False)
class Lookup:
    """
    Asks name servers one after the other.

    @ivar seconds: how long all questions together may take; one that is not answered uses up its share.
    """

    _servers: Sequence[Server]
    _seconds: float

    def addresses(self, name: str) -> list[str]:
        """
        IPv4 and IPv6 addresses; empty when there are none.

        @raise NoAnswer: not to be known now.
        """
        four = [payload.dottedQuad() for payload in self._ask(name, dns.A)]
        return four + [socket.inet_ntop(socket.AF_INET6, payload.address) for payload in self._ask(name, dns.AAAA)]

    def mail_hosts(self, name: str) -> list[str]:
        """
        The hosts of the MX records, in order of preference.

        @raise NoAnswer: not to be known now.
        """
        found = sorted((payload.preference, str(payload.name)) for payload in self._ask(name, dns.MX))
        return [host.lower().rstrip(".") for _, host in found]

    def _ask(self, name: str, kind: int) -> list[Any]:
        """The payloads of the answers of that kind; those of a CNAME's target are among them."""
        for server in self._servers:
            answer = self._ask_one(server, name, kind)
            if answer is not None and answer.rCode in (dns.OK, dns.ENAME):
                return [record.payload for record in answer.answers if record.type == kind]
        raise NoAnswer(f"no name server has told about {name}")

    def _ask_one(self, server: Server, name: str, kind: int) -> dns.Message | None:
        started = time.monotonic()
        question = dns.Message(id=int.from_bytes(os.urandom(2), "big"), recDes=1)
        question.addQuery(name.encode("ascii"), kind)
        family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as asking:
                asking.settimeout(max(0.01, min(QUERY_SECONDS, self._seconds)))
                asking.connect(server)
                asking.send(question.toStr())
                return _matching(asking.recv(4096), question.id)
        except OSError:
            return None
        finally:
            self._seconds -= time.monotonic() - started


def _matching(raw: bytes, id: int) -> dns.Message | None:
    answer = dns.Message()
    try:
        answer.fromStr(raw)
    except (EOFError, ValueError, IndexError):
        return None
    return answer if answer.id == id and answer.answer else None


def system_servers(path: Path = RESOLV_CONF) -> list[Server]:
    """The name servers of this machine; its own when none are named."""
    try:
        text = path.read_text("ascii", "replace")
    except OSError:
        text = ""
    return [(found, 53) for found in re.findall(r"(?m)^\s*nameserver\s+([0-9A-Fa-f.:]+)", text)] or [("127.0.0.1", 53)]
