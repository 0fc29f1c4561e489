"""Libraries that programs send mail with, run for real; each checks the server's certificate."""

import importlib.util
import smtplib
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.support.clients import BODY, MAIL, RECIPIENT, SENDER, TEXT, ClientCase, tool

SCRIPTS = Path(__file__).parent / "scripts"


class LibraryTests(ClientCase):
    """Each hands in the same mail, over STARTTLS and over TLS, and it arrives unchanged but for the header."""

    def test_smtplib(self) -> None:
        """Python's smtplib."""
        context = ssl.create_default_context(cafile=str(self.it.certificate))
        with smtplib.SMTP("localhost", self.it.smtp_port, timeout=20) as client:
            client.starttls(context=context)
            client.login(self.user, self.password)
            client.sendmail(SENDER, [RECIPIENT], MAIL)
        self.check()
        with smtplib.SMTP_SSL("localhost", self.it.tls_port, context=context, timeout=20) as client:
            client.login(self.user, self.password)
            client.sendmail(SENDER, [RECIPIENT], MAIL)
        self.sink.wait_for(2)

    def test_smtplib_wrong_certificate(self) -> None:
        """A client that does not know the certificate refuses, so the checks above are checks."""
        with smtplib.SMTP("localhost", self.it.smtp_port, timeout=20) as client:
            self.assertRaises(ssl.SSLError, client.starttls, context=ssl.create_default_context())

    def script(self, *command: str, is_tls: bool = False) -> Callable[[Path], "subprocess.CompletedProcess[bytes]"]:
        """A call of a script that sends the mail, for L{check_trusting}."""
        told = {
            "PORT": str(self.it.tls_port if is_tls else self.it.smtp_port),
            "STARTTLS": "" if is_tls else "yes",
            "USERNAME": self.user,
            "PASSWORD": self.password,
            "SENDER": SENDER,
            "RECIPIENT": RECIPIENT,
            "TEXT": TEXT,
        }
        return lambda trusted: self.attempt(
            *command, environment={**told, "TRUSTED": str(trusted), "SSL_CERT_FILE": str(trusted)}
        )

    def check_script(self, *command: str, body: bytes = BODY) -> None:
        """A script sends over STARTTLS and over TLS, and to no stranger."""
        self.check_trusting(self.script(*command), body)
        done = self.script(*command, is_tls=True)(self.it.certificate)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.sink.wait_for(2)

    def test_django(self) -> None:
        """Django's C{send_mail}."""
        if importlib.util.find_spec("django") is None:
            raise SkipTest("Django is not installed (in the extra: test)")
        self.check_script(sys.executable, str(SCRIPTS / "django_mail.py"))

    def test_nodemailer(self) -> None:
        """nodemailer, which is where C{NODE_PATH} says."""
        node = tool("node", "nodejs")
        if self.attempt(node, "-e", 'require.resolve("nodemailer")').returncode != 0:
            raise SkipTest("nodemailer is not installed (npm install nodemailer, and NODE_PATH with its node_modules)")
        self.check_script(node, str(SCRIPTS / "nodemailer.js"))

    def test_phpmailer(self) -> None:
        """PHPMailer, which adds an empty line."""
        php = tool("php", "php-cli")
        found = self.attempt(php, "-r", "require 'libphp-phpmailer/autoload.php';")
        if found.returncode != 0:
            raise SkipTest("PHPMailer is not installed (a Debian package: libphp-phpmailer)")
        self.check_script(php, str(SCRIPTS / "phpmailer.php"), body=BODY + b"\r\n")
