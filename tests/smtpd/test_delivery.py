"""What intake answers, and what the client hears of it."""

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.intake import Refused
from smtpeter.boundaries.storage import StorageBusy, StorageFull
from tests.smtpd.support import BOUNCE, SETTINGS, Site

MAIL = b"MAIL FROM:<a@b.example>\r\n"
RCPT = b"RCPT TO:<c@d.example>\r\n"
RETURN = b"RCPT TO:<" + BOUNCE.encode() + b">\r\n"
BUSY = b"451 4.3.0 The message cannot be stored now; try again later\r\n"


class Acknowledgement(SynchronousTestCase):
    def test_after_storage(self) -> None:
        """250 is sent when intake has answered, not before."""
        site = Site()
        site.intake.gate = gate = Deferred[None]()
        client = site.in_data()
        self.assertEqual(client.say(b"x\r\n.\r\n"), b"")
        gate.callback(None)
        self.assertEqual(client.hear(), b"250 2.0.0 Ok: queued as id000000000000000001\r\n")

    def test_pipelined_behind(self) -> None:
        """Commands behind a message wait until it is stored."""
        site = Site()
        site.intake.gate = gate = Deferred[None]()
        client = site.in_data()
        self.assertEqual(client.say(b"x\r\n.\r\nNOOP\r\n"), b"")
        self.assertEqual(client.say(b"QUIT\r\n"), b"")
        gate.callback(None)
        self.assertEqual([line[:9] for line in client.hear().splitlines()], [b"250 2.0.0", b"250 2.0.0", b"221 2.0.0"])

    def test_several(self) -> None:
        """For several recipients, the reply has the first id and how many."""
        client = Site().logged_in()
        client.say(MAIL + RCPT * 3 + b"DATA\r\n")
        self.assertEqual(client.say(b"x\r\n.\r\n"), b"250 2.0.0 Ok: queued as id000000000000000001 (3 recipients)\r\n")

    def test_large(self) -> None:
        """Between the pieces of a large message the reactor turns to others; it arrives whole."""
        site = Site()
        client, body = site.in_data(), b"x" * 998 + b"\r\n"
        self.assertEqual(client.say(body * 2000 + b".\r\n"), b"")
        self.assertEqual(site.intake.drafts, [])
        site.clock.advance(0)
        self.assertEqual(client.hear()[:9], b"250 2.0.0")
        self.assertEqual(site.intake.drafts[0].content, body * 2000)

    def test_disconnect(self) -> None:
        """A client that goes away while its message is stored does not stop it."""
        site = Site()
        site.intake.gate = gate = Deferred[None]()
        client = site.in_data()
        client.say(b"x\r\n.\r\n")
        client.hang_up()
        self.assertEqual(site.intake.drafts, [])
        gate.callback(None)
        self.assertEqual(len(site.intake.drafts), 1)
        self.assertTrue(site.premises.is_empty)

    def test_room_after_disconnect(self) -> None:
        """Its room is not free before it is stored, or was not to be stored."""
        for failure in (None, StorageBusy()):
            site = Site(settings=evolve(SETTINGS, max_held_bytes=1000))
            site.intake.gate = gate = Deferred[None]()
            site.intake.failure = failure
            client = site.in_data()
            client.say(b"x" * 900 + b"\r\n.\r\n")
            client.hang_up()
            self.assertFalse(site.premises.room.take(101))
            gate.callback(None)
            self.assertTrue(site.premises.room.take(1000))

    def test_disconnect_in_data(self) -> None:
        """A message whose end never came is nothing, and its room is free again."""
        site = Site(settings=evolve(SETTINGS, max_held_bytes=1000))
        client = site.in_data()
        client.say(b"x" * 900)
        self.assertFalse(site.premises.room.take(101))
        client.hang_up()
        self.assertEqual(site.intake.drafts, [])
        self.assertTrue(site.premises.room.take(1000))


class Failures(SynchronousTestCase):
    def hear(self, failure: Exception) -> bytes:
        """What the client hears of a failure, and that the session lives on."""
        site = Site()
        site.intake.failure = failure
        client = site.in_data()
        answer = client.say(b"x\r\n.\r\n")
        site.intake.failure = None
        client.say(MAIL + RCPT + b"DATA\r\n")
        self.assertEqual(client.say(b"x\r\n.\r\n")[:9], b"250 2.0.0")
        return answer

    def test_busy(self) -> None:
        """A failure to store is 451 4.3.0."""
        self.assertEqual(self.hear(StorageBusy()), BUSY)

    def test_full(self) -> None:
        """No space is 452 4.3.1."""
        self.assertEqual(self.hear(StorageFull())[:9], b"452 4.3.1")

    def test_refused(self) -> None:
        """What intake refuses is told with its codes: the header block, nesting, Received fields, the sender."""
        for code, enhanced in ((552, "5.3.4"), (554, "5.6.0"), (554, "5.4.6"), (550, "5.7.1"), (451, "4.7.1")):
            answer = self.hear(Refused(code, enhanced, "No: look it up."))
            self.assertEqual(answer, f"{code} {enhanced} No: look it up.\r\n".encode())

    def test_hostile_text(self) -> None:
        """The words of a refusal cannot end the reply."""
        self.assertEqual(self.hear(Refused(550, "5.7.1", "a\r\n250 b\x00é")), b"550-5.7.1 a\r\n550 5.7.1 250 b\r\n")

    def test_unforeseen(self) -> None:
        """What is not foreseen is logged, and is 451 4.3.0: never a 5xx, never silence."""
        self.assertEqual(self.hear(ZeroDivisionError()), BUSY)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class Mixed(SynchronousTestCase):
    @override
    def setUp(self) -> None:
        self.site = Site()
        self.client = self.site.logged_in()
        self.client.say(MAIL + RCPT + RETURN + b"DATA\r\n")

    def stored(self) -> tuple[int, int]:
        """How many returns and how many drafts."""
        return len(self.site.intake.returns), len(self.site.intake.drafts)

    def test_both(self) -> None:
        """An envelope with a return and an ordinary recipient becomes both, under one reply."""
        answer = self.client.say(b"x\r\n.\r\n")
        self.assertEqual(answer, b"250 2.0.0 Ok: queued as id000000000000000002 (2 recipients)\r\n")
        self.assertEqual(self.stored(), (1, 1))
        self.assertEqual([each.address for each in self.site.intake.drafts[0].recipients], ["c@d.example"])

    def test_return_fails(self) -> None:
        """When the return cannot be stored nothing is, so that the client's next try makes no duplicates."""
        self.site.intake.return_failure = StorageBusy()
        self.assertEqual(self.client.say(b"x\r\n.\r\n"), BUSY)
        self.assertEqual(self.stored(), (0, 0))

    def test_submission_fails(self) -> None:
        """When the mail cannot be stored the answer is no 250, though the return is recorded already."""
        self.site.intake.failure = StorageFull()
        self.assertEqual(self.client.say(b"x\r\n.\r\n")[:9], b"452 4.3.1")
        self.assertEqual(self.stored(), (1, 0))
