"""Mail servers with SMTPeter as their smart host, run for real; each logs in and checks the server's certificate."""

import smtplib
import time
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.support import exim, postfix
from tests.support.clients import MAIL, RECIPIENT, SENDER, ClientCase
from tests.support.sink import Delivered


class SmartHostTests(ClientCase):
    """Each takes the same mail, and sends it on."""

    def pass_on(self, port: int, said: Callable[[], str]) -> Delivered:
        """
        Give a mail to a server that is just starting.

        @param said: what it said, should it fail.
        @return: the mail at its destination.
        """
        try:
            self.hand_in(port)
            return self.check()
        except AssertionError as error:
            raise AssertionError(f"{error}\n{said()}") from None

    def hand_in(self, port: int) -> None:
        """Wait until a server is there, and give it the mail."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
                    client.sendmail(SENDER, [RECIPIENT], MAIL)
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the server did not start")

    def keep(self, port: int, said: Callable[[], str]) -> None:
        """Give a mail to a server that must not send it on, and says why."""
        self.hand_in(port)
        end = time.monotonic() + 20
        while "certificate verification failed" not in said():
            self.assertLess(time.monotonic(), end, said())
            time.sleep(0.1)
        self.assertEqual(self.it.events("attempt"), [])

    def postfix(self, trusted: Path) -> postfix.Postfix:
        """One that trusts a certificate."""
        reason = postfix.why_not()
        if reason is not None:
            raise SkipTest(reason)
        return postfix.Postfix(self.it.smtp_port, trusted, self.user, self.password)

    def exim(self, trusted: Path) -> exim.Exim:
        """One that trusts a certificate."""
        reason = exim.why_not()
        if reason is not None:
            raise SkipTest(reason)
        return exim.Exim(self.it.smtp_port, trusted, self.user, self.password)

    def test_postfix(self) -> None:
        """Postfix."""
        with self.postfix(self.it.certificate) as sender:
            arrived = self.pass_on(sender.port, sender.log.read_text)
            self.assertIn(b"by client.example (Postfix)", arrived.content)

    def test_postfix_wrong_certificate(self) -> None:
        """Postfix keeps the mail when it does not trust the certificate, so the check above is one."""
        with self.postfix(self.stranger) as sender:
            self.keep(sender.port, sender.log.read_text)

    def test_exim(self) -> None:
        """Exim."""
        with self.exim(self.it.certificate) as sender:
            arrived = self.pass_on(sender.port, lambda: sender.said)
            self.assertIn(b"by client.example with esmtp (Exim ", arrived.content)

    def test_exim_wrong_certificate(self) -> None:
        """Exim keeps the mail when it does not trust the certificate."""
        with self.exim(self.stranger) as sender:
            self.keep(sender.port, lambda: sender.said)
