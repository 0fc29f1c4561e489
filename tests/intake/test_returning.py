"""Tests of mail that comes back."""

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.intake import ReturnAddress
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.identity import new_id
from smtpeter.model.keys import MacKeys
from smtpeter.tracking.tokens import make_bounce
from tests.intake.stand import CONTENT, KEYS, NOW, TRACE, ended, stand

MESSAGE = new_id(NOW, b"abcdef")
ADDRESS = make_bounce(KEYS, "bounces.example.com", MESSAGE)


class FindTests(SynchronousTestCase):
    """Which addresses are ours."""

    def test_bounce_address(self) -> None:
        """A return address tells its message, whatever became of its case, and is known in one spelling."""
        for address in (ADDRESS, ADDRESS.upper(), ADDRESS.capitalize(), ADDRESS.swapcase()):
            found = ended(stand().desk.find_return(address))
            self.assertEqual(found, ReturnAddress(address=ADDRESS, message_id=MESSAGE))

    def test_forged(self) -> None:
        """A wrong MAC, a key that we do not have, or another domain is nobody's."""
        local = ADDRESS.partition("@")[0]
        other = MacKeys(current=1, keys={1: b"x" * 32})
        for address in (
            ("b" if local[0] == "a" else "a") + ADDRESS[1:],
            local[:-1] + ("a" if local[-1] != "a" else "b") + "@bounces.example.com",
            make_bounce(other, "bounces.example.com", MESSAGE),
            f"{local}@bounces.example.org",
            make_bounce(KEYS, "bounces.example.org", MESSAGE),
            "someone@bounces.example.com",
            "bounces.example.com",
            "",
        ):
            self.assertIsNone(ended(stand().desk.find_return(address)), address)

    def test_roles(self) -> None:
        """postmaster, abuse and dmarc are taken for our own names and for approved sender domains, in any case."""
        desk = stand().desk
        for local in ("postmaster", "Abuse", "DMARC"):
            for domain in ("mail.example.com", "bounces.example.com", "Example.COM", "bücher.example"):
                found = ended(desk.find_return(f"{local}@{domain}"))
                self.assertEqual(found, ReturnAddress(address=f"{local}@{domain}".lower(), message_id=None))
        for address in ("postmaster@other.example", "abuse@new.example", "info@example.com", "abuse@a..b", "dmarc@"):
            self.assertIsNone(ended(desk.find_return(address)), address)

    def test_at_a_glance(self) -> None:
        """The cheap question never says no to what is ours, and no to all that is plainly not."""
        desk = stand().desk
        for address in (ADDRESS, ADDRESS.upper(), "Postmaster@example.com", "x@bounces.example.com"):
            self.assertTrue(desk.may_be_return(address), address)
        for address in ("bob@example.net", "postmasters@example.com", "bounces.example.com", ""):
            self.assertFalse(desk.may_be_return(address), address)

    def test_busy(self) -> None:
        """When it cannot be told it is not denied."""
        around = stand()
        around.domains.failure = StorageBusy()
        self.assertRaises(StorageBusy, ended, around.desk.find_return("postmaster@example.com"))


class TakeTests(SynchronousTestCase):
    """Storing it."""

    def test_stored(self) -> None:
        """It is stored whole, once for each address, in one commit; the first one's id is told."""
        around = stand()
        role = ReturnAddress(address="abuse@example.com", message_id=None)
        bounce = ReturnAddress(address=ADDRESS, message_id=MESSAGE)
        first = ended(around.desk.take_return((bounce, role, bounce), "", CONTENT, TRACE))
        returned = around.notebook.returned
        self.assertEqual(
            [(one.recipient, one.message_id) for one in returned], [(ADDRESS, MESSAGE), (role.address, None)]
        )
        self.assertEqual({(one.reverse_path, one.content, one.received_at) for one in returned}, {("", CONTENT, NOW)})
        self.assertEqual(around.notebook.commits, 1)
        self.assertEqual(first, returned[0].id)

    def test_any_case(self) -> None:
        """One address in several spellings is one: what came back to it is stored once."""
        around = stand()
        written = (ADDRESS.upper(), ADDRESS, ADDRESS.title(), "Abuse@example.com", "ABUSE@Example.com")
        found = [ended(around.desk.find_return(address)) for address in written]
        ended(around.desk.take_return(tuple(one for one in found if one is not None), "", CONTENT, TRACE))
        self.assertEqual([one.recipient for one in around.notebook.returned], [ADDRESS, "abuse@example.com"])

    def test_threads(self) -> None:
        """What is large is looked through in a thread."""
        around = stand()
        bounce = ReturnAddress(address=ADDRESS, message_id=MESSAGE)
        for content, runs in ((CONTENT, 0), (CONTENT + b"x" * 70_000, 1)):
            ended(around.desk.take_return((bounce,), "", content, TRACE))
            self.assertEqual(around.threads.runs, runs)

    def test_client_gone(self) -> None:
        """A server that hangs up during the write does not stop it."""
        around = stand()
        around.notebook.gate = gate = Deferred[None]()
        bounce = ReturnAddress(address=ADDRESS, message_id=MESSAGE)
        taking = Deferred.fromCoroutine(around.desk.take_return((bounce,), "", CONTENT, TRACE))
        taking.cancel()
        self.failureResultOf(taking, CancelledError)
        gate.callback(None)
        self.assertEqual(len(around.notebook.returned), 1)

    def test_no_sender_check(self) -> None:
        """Whose From it has does not matter."""
        around = stand()
        bounce = ReturnAddress(address=ADDRESS, message_id=MESSAGE)
        ended(around.desk.take_return((bounce,), "x@other.example", b"From: x@other.example\r\n\r\n", TRACE))
        self.assertEqual(len(around.notebook.returned), 1)

    def test_busy(self) -> None:
        """What cannot be stored is not taken."""
        around = stand()
        around.notebook.failure = StorageBusy()
        bounce = ReturnAddress(address=ADDRESS, message_id=MESSAGE)
        self.assertRaises(StorageBusy, ended, around.desk.take_return((bounce,), "", CONTENT, TRACE))
