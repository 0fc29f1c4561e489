"""The client's side of ESMTP against bytes alone."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.message import Recipient
from smtpeter.relay.conversation import Conversation
from smtpeter.relay.envelope import Envelope
from smtpeter.relay.facts import Concluded, Ended, Fact, Ready, Returned, Timeouts, TLSWanted
from smtpeter.relay.opening import Terms
from smtpeter.relay.pipeline import UPLOAD_RATE
from smtpeter.relay.transaction import MAX_TEXT

FULL = b"250-mx\r\n250-pipelining\r\n250-8BitMime\r\n250-Size 5000\r\n250-dsn\r\n250 SMTPUTF8\r\n"
COMMANDS = b"MAIL FROM:<s@a.org> SIZE=17\r\nRCPT TO:<r@b.org>\r\nDATA\r\n"


def talk(**terms: Any) -> Conversation:
    return Conversation(Terms(hostname="us.example", **terms), Timeouts())


def ready(ehlo: bytes = FULL, **terms: Any) -> Conversation:
    """A conversation that is past its opening."""
    conversation = talk(**terms)
    conversation.receive(b"220 hi\r\n" + ehlo)
    conversation.outgoing()
    return conversation


def envelope(*addresses: str, content: bytes = b"Subject: x\r\n\r\nx\r\n", **changes: Any) -> Envelope:
    recipients = tuple(Recipient(address=address) for address in addresses or ("r@b.org",))
    return Envelope(**{"reverse_path": "s@a.org", "recipients": recipients, "content": content, **changes})


def codes(fact: Fact) -> list[tuple[str, int]]:
    """Stage and reply code of each recipient; 0 without a reply."""
    assert isinstance(fact, Concluded)
    return [(result.stage, result.reply.code if result.reply else 0) for result in fact.results]


def ended(facts: list[Fact]) -> Ended:
    fact = facts[-1]
    assert isinstance(fact, Ended)
    return fact


class OpeningTests(SynchronousTestCase):
    def test_ehlo(self) -> None:
        """The greeting is answered by EHLO, and the capabilities are read in any case of letters."""
        conversation = talk()
        self.assertEqual(conversation.outgoing(), b"")
        self.assertEqual(conversation.receive(b"220-hi\r\n220 there\r\n"), [])
        self.assertEqual(conversation.outgoing(), b"EHLO us.example\r\n")
        self.assertEqual(conversation.receive(FULL), [Ready()])
        named = ready(b"250-SMTPUTF8 at your service\r\n250 DSN\r\n").capabilities
        self.assertEqual((named.utf8, named.dsn), (False, True))
        offered = conversation.capabilities
        self.assertTrue(offered.pipelining and offered.eightbit and offered.dsn and offered.utf8 and offered.size)
        self.assertEqual(offered.max_size, 5000)

    def test_helo(self) -> None:
        """A server that does not know EHLO gets HELO."""
        conversation = talk()
        conversation.receive(b"220 hi\r\n502 what\r\n")
        self.assertEqual(conversation.outgoing(), b"EHLO us.example\r\nHELO us.example\r\n")
        self.assertEqual(conversation.receive(b"250 hi\r\n"), [Ready()])

    def test_refused(self) -> None:
        """A refused greeting, EHLO or HELO ends the session with its reply."""
        for said, stage, code in (
            (b"554 no\r\n", "greeting", 554),
            (b"421 busy\r\n", "greeting", 421),
            (b"250 hi\r\n", "greeting", 250),
            (b"220 hi\r\n521 no mail here\r\n", "ehlo", 521),
            (b"220 hi\r\n556 no mail here\r\n", "ehlo", 556),
            (b"220 hi\r\n421 busy\r\n", "ehlo", 421),
            (b"220 hi\r\n502 no\r\n550 no\r\n", "ehlo", 550),
        ):
            fact = ended(talk().receive(said))
            self.assertEqual((fact.stage, fact.reply and fact.reply.code), (stage, code))

    def test_no_smtp(self) -> None:
        """What is no SMTP ends the session."""
        fact = ended(talk().receive(b"HTTP/1.1 400 Bad Request\r\n"))
        self.assertEqual((fact.stage, fact.reply), ("greeting", None))
        self.assertIn("not an SMTP reply", fact.description)

    def test_timeouts(self) -> None:
        """Each stage has its own patience; an idle session none."""
        conversation = talk()
        self.assertEqual(conversation.timeout_seconds, Timeouts().greeting)
        conversation.receive(b"220 hi\r\n")
        self.assertEqual(conversation.timeout_seconds, Timeouts().ehlo)
        conversation.receive(FULL)
        self.assertIsNone(conversation.timeout_seconds)
        conversation.offer(envelope())
        self.assertEqual(conversation.timeout_seconds, Timeouts().mail)
        conversation.receive(b"250 ok\r\n250 ok\r\n")
        self.assertEqual(conversation.timeout_seconds, Timeouts().data)
        conversation.receive(b"354 go\r\n")
        self.assertGreaterEqual(conversation.timeout_seconds or 0, 600)
        conversation = ready(b"250-mx\r\n250 PIPELINING\r\n")
        conversation.offer(envelope(content=b"x" * 100 * UPLOAD_RATE))
        conversation.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
        self.assertEqual(conversation.timeout_seconds, Timeouts().message + 100)


class STARTTLSTests(SynchronousTestCase):
    def test_used(self) -> None:
        """STARTTLS is used when offered, in any case of letters, and everything begins anew inside TLS."""
        conversation = talk()
        conversation.receive(b"220 hi\r\n250-mx\r\n250-PIPELINING\r\n250 starttls\r\n")
        self.assertEqual(conversation.outgoing(), b"EHLO us.example\r\nSTARTTLS\r\n")
        self.assertEqual(conversation.receive(b"220 go\r\n"), [TLSWanted()])
        self.assertEqual(conversation.tls_started(), [])
        self.assertFalse(conversation.capabilities.pipelining)
        self.assertEqual(conversation.outgoing(), b"EHLO us.example\r\n")
        self.assertEqual(conversation.receive(b"250-mx\r\n250 STARTTLS\r\n"), [Ready()])
        self.assertEqual(conversation.outgoing(), b"")

    def test_set_up(self) -> None:
        """TLS is being set up until the server has said something inside it; what fails then is not TLS."""
        conversation = talk(username="me", tls="require")
        conversation.receive(b"220 hi\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n")
        conversation.tls_started()
        self.assertEqual(conversation.stage, "starttls")
        conversation.receive(b"250-mx\r\n250 AUTH PLAIN\r\n")
        self.assertEqual(ended(conversation.lose("gone")).stage, "auth")

    def test_bytes_behind(self) -> None:
        """Bytes behind the 220, whole replies or not, in its segment or the next, end the session without TLS."""
        for behind in (b"250 mx\r\n", b"2"):
            conversation = talk()
            conversation.receive(b"220 hi\r\n250-mx\r\n250 STARTTLS\r\n")
            facts = conversation.receive(b"220 go\r\n" + behind)
            self.assertEqual([type(fact) for fact in facts], [Ended])
            self.assertEqual((ended(facts).stage, ended(facts).is_tls_broken), ("starttls", False))
            conversation = talk()
            conversation.receive(b"220 hi\r\n250-mx\r\n250 STARTTLS\r\n")
            self.assertEqual(conversation.receive(b"220 go\r\n"), [TLSWanted()])
            self.assertEqual(ended(conversation.receive(behind)).stage, "starttls")

    def test_refused(self) -> None:
        """A server that offers TLS and refuses it gets the mail in clear, unless TLS is required."""
        said = b"220 hi\r\n250-mx\r\n250 STARTTLS\r\n454 not now\r\n"
        self.assertEqual(talk().receive(said), [Ready()])
        for mode in ("require", "verify"):
            fact = ended(talk(tls=mode).receive(said))
            self.assertEqual((fact.stage, fact.reply and fact.reply.code), ("starttls", 454))

    def test_not_offered(self) -> None:
        """Required TLS that is not offered ends the session; EHLO's failure does not get round it."""
        for said in (b"220 hi\r\n250 mx\r\n", b"220 hi\r\n502 no\r\n250 mx\r\n"):
            self.assertEqual(talk().receive(said), [Ready()])
            self.assertEqual(ended(talk(tls="require").receive(said)).stage, "starttls")

    def test_none(self) -> None:
        """A route without TLS does not use it."""
        conversation = talk(tls="none")
        self.assertEqual(conversation.receive(b"220 hi\r\n250-mx\r\n250 STARTTLS\r\n"), [Ready()])


class AuthTests(SynchronousTestCase):
    def encrypted(self, auth: bytes) -> Conversation:
        conversation = talk(username="me", password="a b ü", tls="require")
        conversation.receive(b"220 hi\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n")
        conversation.tls_started()
        conversation.outgoing()
        conversation.receive(b"250-mx\r\n250 " + auth + b"\r\n")
        return conversation

    def test_plain(self) -> None:
        """AUTH PLAIN carries name and password at once; the transcript has neither."""
        conversation = self.encrypted(b"auth LOGIN plain")
        self.assertEqual(conversation.outgoing(), b"AUTH PLAIN AG1lAGEgYiDDvA==\r\n")
        self.assertEqual(conversation.receive(b"235 ok\r\n"), [Ready()])
        self.assertNotIn("AG1l", "".join(conversation.opening_transcript))
        self.assertNotIn("a b", repr(conversation))

    def test_login(self) -> None:
        """AUTH LOGIN answers the two questions; the transcript has neither answer."""
        conversation = self.encrypted(b"AUTH=LOGIN")
        conversation.receive(b"334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n")
        self.assertEqual(conversation.outgoing(), b"AUTH LOGIN\r\nbWU=\r\nYSBiIMO8\r\n")
        self.assertEqual(conversation.receive(b"235 ok\r\n"), [Ready()])
        self.assertNotIn("YSBi", "".join(conversation.opening_transcript))

    def test_refused(self) -> None:
        """Refused credentials, or no mechanism of ours, end the session."""
        for said in (b"535 no\r\n", b"250 ok\r\n", b"334 more\r\n"):
            self.assertEqual(ended(self.encrypted(b"AUTH PLAIN").receive(said)).stage, "auth")
        self.assertEqual(ended(self.encrypted(b"AUTH LOGIN").receive(b"334 x\r\n504 no\r\n")).stage, "auth")
        conversation = talk(username="me", tls="none")
        self.assertEqual(ended(conversation.receive(b"220 hi\r\n250-mx\r\n250 AUTH GSSAPI\r\n")).stage, "auth")

    def test_not_in_clear(self) -> None:
        """The password is sent in clear only where the route says that there is no TLS."""
        said = b"220 hi\r\n250-mx\r\n250 AUTH PLAIN\r\n"
        conversation = talk(username="me", password="x")
        self.assertEqual(ended(conversation.receive(said)).stage, "auth")
        self.assertNotIn(b"AUTH", conversation.outgoing())
        conversation = talk(username="me", password="x", tls="none")
        conversation.receive(said)
        self.assertIn(b"AUTH PLAIN", conversation.outgoing())


class PipeliningTests(SynchronousTestCase):
    def test_one_write(self) -> None:
        """MAIL, RCPT and DATA go in one write, the content after 354."""
        conversation = ready()
        self.assertEqual(conversation.offer(envelope()), [])
        self.assertEqual(conversation.outgoing(), COMMANDS)
        self.assertEqual(conversation.receive(b"250 ok\r\n250 ok\r\n354 go\r\n"), [])
        self.assertEqual(conversation.outgoing(), b"Subject: x\r\n\r\nx\r\n.\r\n")
        facts = conversation.receive(b"250 2.0.0 queued\r\n")
        self.assertEqual(codes(facts[0]), [("message", 250)])
        self.assertTrue(conversation.is_idle)

    def test_next_envelope(self) -> None:
        """The next envelope's commands go with the end of the data, its content when the one before is recorded."""
        conversation = ready()
        conversation.offer(envelope())
        self.assertEqual(conversation.room, 1)
        conversation.offer(envelope("q@b.org"))
        self.assertEqual(conversation.room, 0)
        self.assertEqual(conversation.outgoing(), COMMANDS)
        conversation.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
        self.assertEqual(
            conversation.outgoing(),
            b"Subject: x\r\n\r\nx\r\n.\r\nMAIL FROM:<s@a.org> SIZE=17\r\nRCPT TO:<q@b.org>\r\nDATA\r\n",
        )
        facts = conversation.receive(b"250 done\r\n250 ok\r\n250 ok\r\n354 go\r\n")
        self.assertEqual([type(fact) for fact in facts], [Concluded])
        self.assertEqual((conversation.outgoing(), conversation.stage), (b"", "data"))
        self.assertEqual(conversation.timeout_seconds, Timeouts().data)
        self.assertEqual(conversation.recorded(), [])
        self.assertEqual(conversation.outgoing(), b"Subject: x\r\n\r\nx\r\n.\r\n")

    def test_never_recorded(self) -> None:
        """A connection that is lost while a content is held back leaves that envelope to another connection."""
        conversation = ready()
        conversation.offer(envelope())
        conversation.offer(envelope())
        conversation.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
        conversation.receive(b"250 done\r\n250 ok\r\n250 ok\r\n354 go\r\n")
        self.assertEqual([type(fact) for fact in conversation.lose("gone")], [Returned, Ended])

    def test_refused_content(self) -> None:
        """A content that was not taken holds nothing back."""
        conversation = ready()
        conversation.offer(envelope())
        conversation.offer(envelope())
        conversation.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
        conversation.outgoing()
        conversation.receive(b"554 no\r\n250 ok\r\n250 ok\r\n354 go\r\n")
        self.assertEqual(conversation.outgoing(), b"Subject: x\r\n\r\nx\r\n.\r\n")

    def test_refused_while_unrecorded(self) -> None:
        """Until a taken content is recorded none goes, though an envelope in between came to nothing."""
        conversation = ready()
        conversation.offer(envelope())
        conversation.offer(envelope())
        conversation.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
        facts = conversation.receive(b"250 done\r\n250 ok\r\n550 no\r\n554 nobody\r\n")
        self.assertEqual([codes(fact) for fact in facts], [[("message", 250)], [("rcpt", 550)]])
        conversation.offer(envelope())
        conversation.outgoing()
        conversation.receive(b"250 reset\r\n250 ok\r\n250 ok\r\n354 go\r\n")
        self.assertEqual((conversation.outgoing(), conversation.stage), (b"", "data"))
        conversation.recorded()
        self.assertEqual(conversation.outgoing(), b"Subject: x\r\n\r\nx\r\n.\r\n")

    def test_lone_dot_while_unrecorded(self) -> None:
        """The lone dot holds no content: it goes at once, whatever is not recorded."""
        conversation = ready()
        conversation.offer(envelope())
        conversation.offer(envelope())
        conversation.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
        conversation.outgoing()
        conversation.receive(b"250 done\r\n250 ok\r\n550 no\r\n354 go\r\n")
        self.assertEqual(conversation.outgoing(), b".\r\n")

    def test_late_envelope(self) -> None:
        """An envelope that comes while the verdict is awaited is begun at once."""
        conversation = ready()
        conversation.offer(envelope())
        conversation.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
        conversation.outgoing()
        self.assertTrue(conversation.awaits_verdict)
        conversation.offer(envelope())
        self.assertEqual(conversation.outgoing(), COMMANDS)

    def test_without(self) -> None:
        """A server without PIPELINING gets one command at a time."""
        conversation = ready(b"250 mx\r\n")
        conversation.offer(envelope("a@b.org", "b@b.org"))
        steps = []
        for said in (b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"250 done\r\n"):
            steps.append(conversation.outgoing())
            facts = conversation.receive(said)
        self.assertEqual(
            steps,
            [
                b"MAIL FROM:<s@a.org>\r\n",
                b"RCPT TO:<a@b.org>\r\n",
                b"RCPT TO:<b@b.org>\r\n",
                b"DATA\r\n",
                b"Subject: x\r\n\r\nx\r\n.\r\n",
            ],
        )
        self.assertEqual(codes(facts[0]), [("message", 250)] * 2)

    def test_without_and_next(self) -> None:
        """Nor does it get the next envelope before it has said what became of the one ahead."""
        conversation = ready(b"250 mx\r\n")
        conversation.offer(envelope())
        conversation.offer(envelope("q@b.org"))
        for said in (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            conversation.outgoing()
            conversation.receive(said)
        self.assertEqual(conversation.outgoing(), b"Subject: x\r\n\r\nx\r\n.\r\n")
        conversation.receive(b"250 done\r\n")
        self.assertEqual(conversation.outgoing(), b"MAIL FROM:<s@a.org>\r\n")

    def test_without_and_refused(self) -> None:
        """Without PIPELINING, nobody accepted means RSET before the next envelope and no DATA."""
        conversation = ready(b"250 mx\r\n")
        conversation.offer(envelope())
        conversation.offer(envelope())
        facts = conversation.receive(b"250 ok\r\n550 no\r\n")
        self.assertEqual(codes(facts[0]), [("rcpt", 550)])
        self.assertTrue(conversation.outgoing().endswith(b"RCPT TO:<r@b.org>\r\nRSET\r\n"))
        conversation.receive(b"250 reset\r\n")
        self.assertEqual(conversation.outgoing(), b"MAIL FROM:<s@a.org>\r\n")

    @given(st.lists(st.integers(0, 260), max_size=10), st.booleans())
    @settings(max_examples=60, deadline=None)
    def test_any_segmentation(self, cuts: list[int], is_pipelined: bool) -> None:
        """However the server's bytes are cut, what we say and what we learn is the same."""
        ehlo = FULL if is_pipelined else b"250 mx\r\n"
        replies = b"250 ok\r\n550-5.1.1 no\r\n550 5.1.1 no\r\n250 ok\r\n354 go\r\n250 2.0.0 done\r\n"
        stream = b"220 hi\r\n" + ehlo + replies + replies + b"421 bye\r\n"

        def run(ends: list[int]) -> tuple[bytes, list[str]]:
            conversation, said, learnt = talk(), b"", []
            for start, end in zip([0, *ends], ends, strict=False):
                for fact in conversation.receive(stream[start:end]):
                    learnt.append(type(fact).__name__ + (str(codes(fact)) if isinstance(fact, Concluded) else ""))
                    if isinstance(fact, Ready):
                        conversation.offer(envelope("a@b.org", "b@b.org"))
                        conversation.offer(envelope("c@b.org", "d@b.org"))
                    elif isinstance(fact, Concluded):
                        self.assertEqual(conversation.recorded(), [])
                said += conversation.outgoing()
            return said, learnt

        ready_at = len(b"220 hi\r\n" + ehlo)
        # Offers and records happen between two calls, so the ends of the opening and of the first mail are always cuts.
        ends = (ready_at, ready_at + len(replies), len(stream))
        whole = run(list(ends))
        cut = sorted({*ends, *(one for one in cuts if one < len(stream))})
        self.assertEqual(run(cut), whole)
        concluded = "Concluded[('rcpt', 550), ('message', 250)]"
        self.assertEqual(whole[1], ["Ready", concluded, concluded, "Ended"])


class ResultTests(SynchronousTestCase):
    def results(self, said: bytes, *addresses: str) -> list[tuple[str, int]]:
        conversation = ready()
        conversation.offer(envelope(*addresses))
        return codes(conversation.receive(said)[0])

    def test_kept_apart(self) -> None:
        """Every recipient has its own result; the end of the data counts for the accepted ones."""
        said = b"250 ok\r\n250 ok\r\n450 4.2.1 later\r\n550 5.1.1 no\r\n354 go\r\n"
        self.assertEqual(
            self.results(said + b"250 done\r\n", "a@b.org", "b@b.org", "c@b.org"),
            [("message", 250), ("rcpt", 450), ("rcpt", 550)],
        )
        self.assertEqual(
            self.results(said + b"552 big\r\n", "a@b.org", "b@b.org", "c@b.org"),
            [("message", 552), ("rcpt", 450), ("rcpt", 550)],
        )

    def test_mail_refused(self) -> None:
        """What MAIL is told counts for all, not the 503s that follow."""
        said = b"550 5.7.1 no\r\n503 what\r\n503 what\r\n503 what\r\n"
        self.assertEqual(self.results(said, "a@b.org", "b@b.org"), [("mail", 550)] * 2)

    def test_data_refused(self) -> None:
        """A refused DATA counts for the accepted recipients; the next envelope begins with RSET."""
        conversation = ready()
        conversation.offer(envelope("a@b.org", "b@b.org"))
        facts = conversation.receive(b"250 ok\r\n250 ok\r\n550 no\r\n451 later\r\n")
        self.assertEqual(codes(facts[0]), [("data", 451), ("rcpt", 550)])
        conversation.outgoing()
        conversation.offer(envelope())
        self.assertEqual(conversation.outgoing(), b"RSET\r\n" + COMMANDS)
        facts = conversation.receive(b"250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 done\r\n")
        self.assertEqual(codes(facts[0]), [("message", 250)])

    def test_lone_dot(self) -> None:
        """354 although nobody was accepted is answered by the lone dot, and no content is sent."""
        for mail in (b"250 ok", b"550 no"):
            conversation = ready()
            conversation.offer(envelope())
            conversation.outgoing()
            facts = conversation.receive(mail + b"\r\n550 no\r\n354 go\r\n")
            self.assertEqual((facts, conversation.outgoing()), ([], b".\r\n"))
            facts = conversation.receive(b"554 nobody\r\n")
            self.assertEqual(codes(facts[0]), [("rcpt" if mail == b"250 ok" else "mail", 550)])
            conversation.offer(envelope())
            self.assertEqual(conversation.outgoing(), COMMANDS)

    def test_long_reply(self) -> None:
        """Of a long reply so much is kept as a person may read."""
        conversation = ready()
        conversation.offer(envelope())
        lines = b"550-" + b"x" * 1000 + b"\r\n"
        fact = conversation.receive(b"250 ok\r\n" + lines * 5 + b"550 no\r\n554 nobody\r\n")[0]
        assert isinstance(fact, Concluded)
        reply = fact.results[0].reply
        self.assertEqual(reply and len(reply.text), MAX_TEXT)
        self.assertLess(max(map(len, fact.transcript)), MAX_TEXT + 20)

    def test_reset_refused(self) -> None:
        """A refused RSET ends the session; the envelope behind it is returned."""
        conversation = ready()
        conversation.offer(envelope())
        conversation.receive(b"250 ok\r\n550 no\r\n554 no\r\n")
        later = envelope()
        conversation.offer(later)
        facts = conversation.receive(b"500 no\r\n")
        self.assertEqual([type(fact) for fact in facts], [Returned, Ended])

    def test_transcript(self) -> None:
        """The transcript has commands and replies, and of the content only the size."""
        conversation = ready()
        conversation.offer(envelope())
        fact = conversation.receive(b"250 ok\r\n250 ok\r\n354 go\r\n250 2.0.0 done\r\n")[0]
        assert isinstance(fact, Concluded)
        self.assertEqual(
            fact.transcript,
            (
                "C: MAIL FROM:<s@a.org> SIZE=17",
                "S: 250 ok",
                "C: RCPT TO:<r@b.org>",
                "S: 250 ok",
                "C: DATA",
                "S: 354 go",
                "C: <17 octets>",
                "S: 250 2.0.0 done",
            ),
        )


class LossTests(SynchronousTestCase):
    def test_421(self) -> None:
        """A 421 at any point ends the session; what is undecided gets it, what is decided keeps its own."""
        said = [b"250 ok\r\n", b"550 no\r\n", b"250 ok\r\n", b"354 go\r\n"]
        stages = ["mail", "rcpt", "rcpt", "data", "message"]
        for count, stage in enumerate(stages):
            conversation = ready()
            conversation.offer(envelope("a@b.org", "b@b.org"))
            facts = conversation.receive(b"".join(said[:count]) + b"421 4.3.2 bye\r\n")
            first = ("rcpt", 550) if count > 1 else (stage, 421)
            self.assertEqual(codes(facts[0]), [first, (stage, 421)])
            self.assertEqual(ended(facts).stage, stage)
            self.assertTrue(conversation.is_over)

    def test_lost_after_data(self) -> None:
        """A connection lost before the verdict decides nothing but that nobody knows."""
        conversation = ready()
        conversation.offer(envelope())
        conversation.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
        facts = conversation.lose("gone")
        self.assertEqual(codes(facts[0]), [("message", 0)])
        self.assertEqual(ended(facts).description, "gone")
        self.assertEqual(conversation.lose("again"), [])

    def test_next_is_returned(self) -> None:
        """An envelope that the server has not answered to is returned, when one before it went through."""
        conversation = ready()
        conversation.offer(envelope())
        later = envelope()
        conversation.offer(later)
        facts = conversation.receive(b"250 ok\r\n250 ok\r\n354 go\r\n250 done\r\n421 enough\r\n")
        self.assertEqual([type(fact) for fact in facts], [Concluded, Returned, Ended])
        assert isinstance(facts[1], Returned)
        self.assertIs(facts[1].envelope, later)

    def test_waiting_is_returned(self) -> None:
        """An envelope that was not sent yet is always returned."""
        conversation = ready()
        conversation.offer(envelope())
        conversation.offer(envelope())
        facts = conversation.lose("gone")
        self.assertEqual([type(fact) for fact in facts], [Concluded, Returned, Ended])

    def test_first_is_not_returned(self) -> None:
        """The first envelope of a session is an attempt, so that a server which always hangs up is no loop."""
        conversation = ready()
        conversation.offer(envelope())
        self.assertEqual(codes(conversation.lose("gone")[0]), [("mail", 0)])

    def test_unasked(self) -> None:
        """A reply that was not asked for ends the session; a 421 of an idle server quietly."""
        conversation = ready()
        self.assertIn("a reply to nothing", ended(conversation.receive(b"250 ok\r\n")).description)
        conversation = ready()
        fact = ended(conversation.receive(b"421 idle\r\n"))
        self.assertEqual(fact.reply and fact.reply.code, 421)

    def test_quit(self) -> None:
        """QUIT's answer, whatever it is, ends the session without a fault."""
        for said in (b"221 bye\r\n", b"421 bye\r\n", b"500 what\r\n"):
            conversation = ready()
            conversation.quit()
            self.assertEqual(conversation.outgoing(), b"QUIT\r\n")
            self.assertEqual((conversation.timeout_seconds, conversation.room), (Timeouts().quit, 0))
            fact = ended(conversation.receive(said))
            self.assertEqual((fact.reply, fact.description), (None, ""))


class ParameterTests(SynchronousTestCase):
    def sent(self, given: Envelope, ehlo: bytes = FULL) -> bytes:
        conversation = ready(ehlo)
        conversation.offer(given)
        return conversation.outgoing()

    def test_eightbit(self) -> None:
        """BODY=8BITMIME is said when it is needed and offered."""
        self.assertIn(b"BODY=8BITMIME", self.sent(envelope(is_eightbit=True)))
        self.assertNotIn(b"BODY", self.sent(envelope()))
        self.assertNotIn(b"BODY", self.sent(envelope(is_eightbit=True), b"250 mx\r\n"))

    def test_utf8(self) -> None:
        """SMTPUTF8 is said when it is needed; a server without it does not see the envelope."""
        self.assertIn(b" SMTPUTF8\r\nRCPT TO:<\xc3\xbc@b.org>", self.sent(envelope("ü@b.org")))
        self.assertNotIn(b"SMTPUTF8", self.sent(envelope()))
        for refused in (envelope("ü@b.org"), envelope(needs_utf8=True), envelope(reverse_path="ü@a.org")):
            conversation = ready(b"250-mx\r\n250 PIPELINING\r\n")
            fact = conversation.offer(refused)[0]
            assert isinstance(fact, Concluded)
            reply = fact.results[0].reply
            self.assertEqual((reply and reply.code, reply and reply.enhanced), (553, "5.6.7"))
            self.assertEqual(conversation.outgoing(), b"")

    def test_size(self) -> None:
        """A message over the server's limit is refused here."""
        conversation = ready()
        fact = conversation.offer(envelope(content=b"x" * 5001))[0]
        self.assertEqual(codes(fact), [("mail", 552)])
        self.assertEqual(ready().offer(envelope(content=b"x" * 5000)), [])
        self.assertEqual(ready(b"250-mx\r\n250 SIZE 0\r\n").offer(envelope(content=b"x" * 5001)), [])

    def test_dsn(self) -> None:
        """RET, ENVID, NOTIFY and ORCPT go on, encoded; without DSN at the hop none does."""
        recipient = Recipient(address="r@b.org", notify=frozenset({"DELAY", "SUCCESS"}), orcpt="rfc822;a+b@c.org")
        given = envelope(recipients=(recipient,), ret="HDRS", envid="a b=")
        self.assertIn(b" RET=HDRS ENVID=a+20b+3D\r\n", self.sent(given))
        self.assertIn(b"RCPT TO:<r@b.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@c.org\r\n", self.sent(given))
        self.assertEqual(
            self.sent(given, b"250-mx\r\n250 PIPELINING\r\n"), b"MAIL FROM:<s@a.org>\r\nRCPT TO:<r@b.org>\r\nDATA\r\n"
        )

    def test_bounce_address(self) -> None:
        """With a bounce address of ours the hop is always asked for FAILURE."""
        for notify, said in (
            (None, b"NOTIFY=FAILURE\r\n"),
            (frozenset({"NEVER"}), b"NOTIFY=FAILURE\r\n"),
            (frozenset({"DELAY"}), b"NOTIFY=FAILURE,DELAY\r\n"),
        ):
            recipient = Recipient(address="r@b.org", notify=notify)  # type: ignore[arg-type]
            self.assertIn(said, self.sent(envelope(recipients=(recipient,), has_bounce_address=True)))
        never = Recipient(address="r@b.org", notify=frozenset({"NEVER"}))
        self.assertIn(b"NOTIFY=NEVER\r\n", self.sent(envelope(recipients=(never,))))
        self.assertNotIn(b"NOTIFY", self.sent(envelope()))

    def test_no_injection(self) -> None:
        """A line end inside an address never becomes a command; the session stays good."""
        for address in ("r@b.org>\r\nRSET", "r@b.org\n", "r@b.org\r"):
            conversation = ready()
            with self.assertRaises(ValueError):
                conversation.offer(envelope(address))
            self.assertEqual(conversation.outgoing(), b"")
            conversation.offer(envelope())
            self.assertEqual(conversation.outgoing(), COMMANDS)
