"""Programs that people send mail with, run for real; each checks the server's certificate."""

import os
import shutil
import smtplib
import ssl
import subprocess
import time
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase
from typing_extensions import override

from tests.support import postfix
from tests.support.installation import Installation
from tests.support.sink import Delivered, Sink

MAIL = "From: Ann <ann@shop.example>\nTo: bob@customer.example\nSubject: hello\n\nFirst line\n.\n.dot\n\nlast\n"
BODY = b"First line\r\n.\r\n.dot\r\n\r\nlast\r\n"


def tool(name: str) -> str:
    """
    A program's path.

    @raise SkipTest: it is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise SkipTest(f"{name} is not installed (a Debian package of that name)")
    return path


class ClientTests(SynchronousTestCase):
    """Each hands in the same mail, which arrives unchanged but for the header."""

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

    def run_client(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Run a client to its end. @return: what it printed."""
        environment = {**os.environ, "HOME": str(self.it.folder)}
        done = subprocess.run(arguments, check=False, input=stdin, capture_output=True, timeout=60, env=environment)
        printed = (done.stdout + done.stderr).decode(errors="replace")
        self.assertEqual(done.returncode, 0, printed)
        return printed

    def check(self, body: bytes = BODY) -> Delivered:
        """The mail is at its destination, once."""
        (arrived,) = self.sink.wait_for(1)
        self.assertEqual(arrived.recipients, ("bob@customer.example",))
        self.assertEqual(arrived.reverse_path, "ann@shop.example")
        self.assertEqual(arrived.content.partition(b"\r\n\r\n")[2], body)
        self.assertIn(b"DKIM-Signature:", arrived.content)
        return arrived

    def test_swaks(self) -> None:
        """swaks, AUTH PLAIN and LOGIN, over STARTTLS and over TLS."""
        common = (
            *(tool("swaks"), "--server", "localhost", "--from", "ann@shop.example", "--to", "bob@customer.example"),
            *("--auth-user", self.user, "--auth-password", self.password, "--data", f"@{self.mail}"),
            *("--tls-ca-path", str(self.it.certificate), "--tls-verify", "--suppress-data"),
        )
        printed = self.run_client(*common, "--port", str(self.it.smtp_port), "--tls", "--auth", "PLAIN")
        self.assertIn("250 2.0.0 Ok: queued as ", printed)
        self.run_client(*common, "--port", str(self.it.tls_port), "--tls-on-connect", "--auth", "LOGIN")
        self.assertEqual(len(self.sink.wait_for(2)), 2)

    def test_curl(self) -> None:
        """
        curl, with a file that has bare newlines, with and without C{--crlf}.

        Without it curl takes the file's last newline for no line end and adds one, so one line more arrives.
        """
        common = (
            *(tool("curl"), "--silent", "--show-error", "--ssl-reqd", "--cacert", str(self.it.certificate)),
            *("--url", f"smtp://localhost:{self.it.smtp_port}", "--user", f"{self.user}:{self.password}"),
            *("--mail-from", "ann@shop.example", "--mail-rcpt", "bob@customer.example"),
            *("--upload-file", str(self.mail)),
        )
        self.run_client(*common)
        self.check(BODY + b"\r\n")
        self.sink.arrived.clear()
        self.run_client(*common, "--crlf")
        self.check()

    def test_msmtp(self) -> None:
        """msmtp, as sendmail for scripts."""
        config = self.it.folder / "msmtprc"
        config.write_text(
            f"account default\nhost localhost\nport {self.it.smtp_port}\ntls on\ntls_starttls on\n"
            f"tls_trust_file {self.it.certificate}\nauth on\nuser {self.user}\npassword {self.password}\n"
            "from ann@shop.example\n"
        )
        config.chmod(0o600)
        self.run_client(tool("msmtp"), "-C", str(config), "bob@customer.example", stdin=MAIL.encode())
        self.check()

    def test_smtplib(self) -> None:
        """Python's smtplib, over STARTTLS and over TLS."""
        context = ssl.create_default_context(cafile=str(self.it.certificate))
        with smtplib.SMTP("localhost", self.it.smtp_port, timeout=20) as client:
            client.starttls(context=context)
            client.login(self.user, self.password)
            client.sendmail("ann@shop.example", ["bob@customer.example"], MAIL)
        self.check()
        with smtplib.SMTP_SSL("localhost", self.it.tls_port, context=context, timeout=20) as client:
            client.login(self.user, self.password)
            client.sendmail("ann@shop.example", ["bob@customer.example"], MAIL)
        self.sink.wait_for(2)

    def test_smtplib_wrong_certificate(self) -> None:
        """A client that does not know the certificate refuses, so the checks above are checks."""
        with smtplib.SMTP("localhost", self.it.smtp_port, timeout=20) as client:
            self.assertRaises(ssl.SSLError, client.starttls, context=ssl.create_default_context())

    def test_postfix(self) -> None:
        """Postfix with SMTPeter as its relay host, login and certificate check."""
        reason = postfix.why_not()
        if reason is not None:
            raise SkipTest(reason)
        with postfix.Postfix(self.it.smtp_port, self.it.certificate, self.user, self.password) as sender:
            self.hand_in(sender.port, sender.log)
            try:
                arrived = self.check()
            except AssertionError:
                raise AssertionError(sender.log.read_text()) from None
            self.assertIn(b"by client.example (Postfix)", arrived.content)

    def hand_in(self, port: int, log: Path) -> None:
        """Give a mail to a server that is just starting."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
                    client.sendmail("ann@shop.example", ["bob@customer.example"], MAIL)
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"Postfix did not start:\n{log.read_text()}")
