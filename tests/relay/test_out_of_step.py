"""Servers whose replies do not fit our commands: nothing is called delivered that was not, and nothing refused."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.message import Notify, Recipient
from smtpeter.model.outcome import Kind
from smtpeter.relay.facts import Concluded, Ended, Returned, Timeouts
from tests.relay.support import make_job, settle
from tests.relay.test_conversation import codes, ended, envelope, ready
from tests.relay.test_relay import RelayCase

OK = b"250 ok\r\n"


class OutOfStepTests(SynchronousTestCase):
    def test_data_fulfilled(self) -> None:
        """A 250 in answer to DATA is no delivery: nothing was sent, so the message waits and the session ends."""
        conversation = ready()
        conversation.offer(envelope())
        facts = conversation.receive(OK * 3)
        self.assertEqual(codes(facts[0]), [("data", 0)])
        self.assertIn("out of step", ended(facts).description)

    def test_intermediate(self) -> None:
        """A 3xx where none belongs refuses nobody."""
        said = [OK, OK, b"354 go\r\n"]
        for count, stage in enumerate(("mail", "rcpt", "data", "message")):
            conversation = ready()
            conversation.offer(envelope())
            facts = conversation.receive(b"".join(said[:count]) + b"334 go\r\n")
            self.assertEqual(codes(facts[0]), [(stage, 0)])
            self.assertIsInstance(facts[-1], Ended)

    def test_nobody_is_blamed(self) -> None:
        """Once replies prove to be out of step, those before count for nobody: the 550 was perhaps another's."""
        conversation = ready()
        conversation.offer(envelope("a@b.org", "b@b.org"))
        facts = conversation.receive(OK + OK + b"550 no\r\n" + OK)
        self.assertEqual(codes(facts[0]), [("data", 0), ("data", 0)])

    def test_next_is_returned(self) -> None:
        """An envelope behind the first of a session is returned when the server has said nothing about it."""
        for verdict, stage in ((b"421 4.3.2 bye\r\n", 421), (b"", 0)):
            conversation = ready()
            conversation.offer(envelope())
            later = envelope()
            conversation.offer(later)
            facts = conversation.receive(OK + OK + b"354 go\r\n" + verdict)
            facts += conversation.lose("gone")
            self.assertEqual([type(fact) for fact in facts], [Concluded, Returned, Ended])
            self.assertEqual(codes(facts[0]), [("message", stage)])
            assert isinstance(facts[1], Returned)
            self.assertIs(facts[1].envelope, later)

    def test_mail_answered_then_closed(self) -> None:
        """An envelope whose MAIL was answered before the server closed waits; nothing of it was sent."""
        conversation = ready()
        conversation.offer(envelope())
        conversation.offer(envelope())
        facts = conversation.receive(OK + OK + b"354 go\r\n" + OK + OK)
        facts += conversation.lose("gone")
        self.assertEqual(
            [codes(fact) for fact in facts if isinstance(fact, Concluded)], [[("message", 250)], [("rcpt", 0)]]
        )


class TrickleTests(RelayCase):
    def test_trickle(self) -> None:
        """A server that sends its reply octet by octet gains no time by it."""
        self.relay = self.make(timeouts=Timeouts(mail=60))
        self.server.extensions, self.server.answers = (b"DSN",), {b"MAIL": b"2"}
        self.send(1)
        settle(self.clock)
        for _ in range(59):
            self.clock.advance(1)
            self.server.transports[0].say(b"5")
        self.assertEqual(self.settled(), {})
        self.clock.advance(2)
        outcome = self.settled()["m1"]
        self.assertEqual((outcome.kind, outcome.stage), (Kind.DEFERRED, "mail"))

    def test_whole_replies(self) -> None:
        """Each whole reply begins a new stage with its own time."""
        self.relay = self.make(timeouts=Timeouts(mail=60, rcpt=60, data=60, message=60))
        self.server.extensions, self.server.answers = (b"DSN",), {b"MAIL": b"2", b"RCPT": b"2", b"DATA": b"5"}
        self.send(1)
        settle(self.clock)
        for reply in (b"50 ok\r\n", b"50 ok\r\n", b"50 no\r\n"):
            self.clock.advance(50)
            self.assertEqual(self.settled(), {})
            self.server.transports[0].say(reply)
        self.assertEqual(self.settled()["m1"].kind, Kind.FAILED)


class SharingTests(RelayCase):
    def test_one_needs_utf8(self) -> None:
        """Of recipients with one content, only who needs SMTPUTF8 fails where it is not offered."""
        self.server.extensions = (b"PIPELINING",)
        self.send(1, 2, share_key="a")
        self.send(3, share_key="a", needs_utf8=True)
        outcomes = self.settled()
        self.assertEqual([outcomes[f"m{n}"].kind for n in (1, 2, 3)], [Kind.DELIVERED, Kind.DELIVERED, Kind.FAILED])

    def test_notify_apart(self) -> None:
        """Recipients of one transaction keep their own NOTIFY and ORCPT."""
        wishes: list[frozenset[Notify] | None] = [frozenset(("NEVER",)), frozenset(("SUCCESS", "DELAY")), None]
        for number, notify in enumerate(wishes, 1):
            recipient = Recipient(address=f"user{number}@example.org", notify=notify, orcpt=f"rfc822;o{number}@x")
            self.relay.send(make_job(number, share_key="a", recipient=recipient), self.outcomes.append)
        self.settled()
        self.assertEqual(
            [command for command in self.server.commands if command.startswith(b"RCPT")],
            [
                b"RCPT TO:<user1@example.org> NOTIFY=NEVER ORCPT=rfc822;o1@x",
                b"RCPT TO:<user2@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o2@x",
                b"RCPT TO:<user3@example.org> ORCPT=rfc822;o3@x",
            ],
        )
        self.assertEqual(len(self.server.mails), 1)
