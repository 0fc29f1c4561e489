"""What tests share of programs that people send mail with, run for real against a real server."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase
from typing_extensions import override

from smtpeter.tls.selfsigned import make_self_signed
from tests.support.installation import Installation
from tests.support.sink import Delivered, Sink

SENDER = "ann@shop.example"
RECIPIENT = "bob@customer.example"
TEXT = "First line\n.\n.dot\n\nlast\n"
MAIL = f"From: Ann <{SENDER}>\nTo: {RECIPIENT}\nSubject: hello\n\n{TEXT}"
BODY = TEXT.replace("\n", "\r\n").encode()


def tool(name: str, package: str = "") -> str:
    """
    A program's path.

    @param package: Debian's name for it, where it is another one.
    @raise SkipTest: it is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise SkipTest(f"{name} is not installed (a Debian package: {package or name})")
    return path


class ClientCase(SynchronousTestCase):
    """A server with a login, its next hop, and two certificates: the server's, and one of a stranger with its name."""

    @override
    def setUp(self) -> None:
        self.sink = Sink()
        self.sink.__enter__()
        self.addCleanup(self.sink.__exit__)
        self.it = Installation(self.sink.port)
        self.it.__enter__()
        self.addCleanup(self.it.__exit__)
        self.user, self.password = self.it.sender("shop.example")
        self.mail = self.it.folder / "mail"
        self.mail.write_bytes(MAIL.encode())
        self.stranger = self.it.folder / "stranger.pem"
        self.stranger.write_bytes(make_self_signed("localhost", time.time(), os.urandom).certificate)

    def attempt(
        self, *arguments: str, stdin: bytes | None = None, environment: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a client to its end, with a home of its own; the exit code is the caller's to judge."""
        return subprocess.run(
            arguments,
            check=False,
            cwd=self.it.folder,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=60,
            env={**os.environ, "HOME": str(self.it.folder), **(environment or {})},
        )

    def run_client(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Run a client to its end, which is a success. @return: what it printed."""
        done = self.attempt(*arguments, stdin=stdin)
        printed = (done.stdout + done.stderr).decode(errors="replace")
        self.assertEqual(done.returncode, 0, printed)
        return printed

    def check(self, body: bytes = BODY) -> Delivered:
        """The mail is at its destination, once."""
        (arrived,) = self.sink.wait_for(1)
        self.assertEqual(arrived.recipients, (RECIPIENT,))
        self.assertEqual(arrived.reverse_path, SENDER)
        self.assertEqual(arrived.content.partition(b"\r\n\r\n")[2], body)
        self.assertIn(b"DKIM-Signature:", arrived.content)
        return arrived

    def check_trusting(
        self, send: Callable[[Path], "subprocess.CompletedProcess[bytes]"], body: bytes = BODY
    ) -> Delivered:
        """
        A client hands nothing to a server whose certificate it does not trust, and its mail to ours.

        @param send: runs the client, which trusts the certificate in that file only.
        """
        refused = send(self.stranger)
        self.assertNotEqual(refused.returncode, 0, refused.stdout + refused.stderr)
        self.assertIn(b"certificate", (refused.stdout + refused.stderr).lower())
        done = send(self.it.certificate)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        arrived = self.check(body)
        self.assertEqual(len(self.it.events("attempt")), 1)
        return arrived
