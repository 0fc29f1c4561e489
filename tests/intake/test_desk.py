"""Tests of accepting mail."""

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.intake import Refused
from smtpeter.boundaries.storage import StorageBusy, StorageFull
from smtpeter.model.identity import decode_id
from smtpeter.model.message import Draft, Once, Recipient
from smtpeter.model.options import Features
from tests.intake.stand import CONTENT, NOW, TRACE, Stand, draft, ended, stand

NOT_CONFIGURED = "You cannot send mailings from %s without configuring it as sender domain"


class AcceptTests(SynchronousTestCase):
    """What becomes of a draft."""

    def test_submission(self) -> None:
        """It is kept whole, with when it came and how long it lives."""
        desk = stand(max_age_seconds=3600)
        receipt = ended(desk.desk.submit(draft()))
        ended(desk.desk.submit(evolve(draft(), is_utf8=True)))
        self.assertEqual([submission.is_utf8 for submission in desk.notebook.submissions], [False, True])
        desk.notebook.submissions.pop()
        (submission,) = desk.notebook.submissions
        self.assertEqual(receipt.message_ids, (submission.messages[0].id,))
        self.assertEqual(submission.content, CONTENT)
        self.assertEqual((submission.account_id, submission.login_id, submission.source), (1, 7, "smtp"))
        self.assertEqual(
            (submission.reverse_path, submission.ret, submission.envid), ("ann@example.com", "HDRS", "QQ1")
        )
        self.assertEqual(submission.sender_domain, "example.com")
        self.assertEqual((submission.received_at, submission.expires_at), (NOW, NOW + 3600))
        self.assertEqual(submission.trace, TRACE)
        self.assertEqual(submission.messages[0].domain, "example.net")

    def test_rest(self) -> None:
        """What came by HTTP is known as that."""
        desk = stand()
        ended(desk.desk.submit(evolve(draft(), trace=evolve(TRACE, protocol="HTTPS"))))
        self.assertEqual(desk.notebook.submissions[0].source, "rest")

    def test_said_beside(self) -> None:
        """What a client says beside the message is kept: tags in front of those of the header, an end, a key."""
        desk, once = stand(), Once(key="k", fingerprint=b"f")
        content = b"x-smtpeter-tags: may, news\r\n" + CONTENT
        ended(desk.desk.submit(evolve(draft(content), tags=("a", "may"), expires_at=NOW + 5, once=once)))
        ended(desk.desk.submit(draft()))
        first, second = desk.notebook.submissions
        self.assertEqual((first.tags, first.expires_at), (("a", "may", "news"), NOW + 5))
        self.assertEqual((second.tags, second.expires_at), ((), NOW + 86_400))
        self.assertEqual(desk.notebook.keys, [once, None])

    def test_draw_up(self) -> None:
        """What would be stored can be seen without storing it; what would be refused is refused."""
        desk = stand()
        drawn = ended(desk.desk.draw_up(draft(b"x-smtpeter-tags: may\r\n" + CONTENT)))
        self.assertEqual((drawn.tags, drawn.sender_domain, len(drawn.messages)), (("may",), "example.com", 1))
        with self.assertRaises(Refused):
            ended(desk.desk.draw_up(draft(CONTENT.replace(b"example.com", b"else.example"))))
        self.assertEqual(desk.notebook.submissions, [])

    def test_options(self) -> None:
        """Headers of the message overrule its login; tags and misunderstandings are kept."""
        desk = stand()
        content = (
            b"X-SMTPeter-TrackOpens: no\r\nx-smtpeter-inlinecss: maybe\r\nx-smtpeter-tags: may, news\r\n" + CONTENT
        )
        ended(desk.desk.submit(draft(content)))
        (submission,) = desk.notebook.submissions
        self.assertEqual(submission.features, Features(trackclicks=True))
        self.assertEqual(submission.tags, ("may", "news"))
        self.assertEqual(len(submission.warnings), 1)

    def test_events(self) -> None:
        """An attempt is recorded for each message, with envelope, properties, tags and template."""
        desk = stand()
        ended(desk.desk.submit(draft(b"x-smtpeter-tags: a,b\r\n" + CONTENT, ["bob@example.net", "eve@example.org"])))
        messages = desk.notebook.submissions[0].messages
        self.assertEqual([event.message_id for event in desk.notebook.events], [message.id for message in messages])
        event = desk.notebook.events[1]
        self.assertEqual(
            (event.type, event.at, event.account_id, event.recipient), ("attempt", NOW, 1, "eve@example.org")
        )
        self.assertEqual(event.tags, ("a", "b"))
        self.assertEqual(
            event.data, {"envelope": "ann@example.com", "properties": "trackclicks;trackopens", "templateid": "0"}
        )

    def test_duplicates(self) -> None:
        """An address that is given twice gets the mail once; the receipt names the same id twice."""
        desk = stand()
        receipt = ended(desk.desk.submit(draft(recipients=["bob@example.net", "eve@example.org", "bob@example.net"])))
        self.assertEqual(len(desk.notebook.submissions[0].messages), 2)
        self.assertEqual(receipt.message_ids[0], receipt.message_ids[2])
        self.assertEqual(len(set(receipt.message_ids)), 2)

    def test_first_wishes(self) -> None:
        """Of an address that is given twice the first RCPT says what the sender wants to know."""
        desk = stand()
        first, second = (Recipient(address="b@x.example", notify=frozenset({word})) for word in ("NEVER", "SUCCESS"))
        ended(desk.desk.submit(evolve(draft(), recipients=(first, second))))
        self.assertEqual([message.recipient for message in desk.notebook.submissions[0].messages], [first])

    def test_international_domain(self) -> None:
        """A recipient's domain is looked up as A-labels; the address stays as it was."""
        desk = stand()
        ended(desk.desk.submit(draft(recipients=["bob@bücher.example"])))
        (message,) = desk.notebook.submissions[0].messages
        self.assertEqual((message.recipient.address, message.domain), ("bob@bücher.example", "xn--bcher-kva.example"))

    def test_impossible_domain(self) -> None:
        """A domain that cannot exist is refused, and nothing is stored."""
        desk = stand()
        refused = self.assertRaises(Refused, ended, desk.desk.submit(draft(recipients=["bob@a..b"])))
        self.assertEqual((refused.code, refused.enhanced), (553, "5.1.3"))
        self.assertEqual(desk.notebook.calls, [])

    @settings(max_examples=30)
    @given(
        st.lists(st.sampled_from(["a@x.example", "b@x.example", "A@x.example", "c@y.example"]), min_size=1, max_size=30)
    )
    def test_ids(self, addresses: list[str]) -> None:
        """Whatever the recipients: one message for each different address, one id for each RCPT, all ids valid."""
        desk = stand()
        receipt = ended(desk.desk.submit(draft(recipients=addresses)))
        (submission,) = desk.notebook.submissions
        by_id = {message.id: message.recipient.address for message in submission.messages}
        self.assertEqual([by_id[message_id] for message_id in receipt.message_ids], addresses)
        self.assertEqual(sorted(by_id.values()), sorted(set(addresses)))
        for message_id in (*by_id, submission.id):
            decode_id(message_id)
        self.assertNotIn(submission.id, by_id)


class SenderTests(SynchronousTestCase):
    """Whose domain may be written in From."""

    def refusal(self, desk: Stand, content: bytes, account_id: int = 1) -> tuple[int, str, str]:
        """What the client is told; nothing may have been stored."""
        refused = self.assertRaises(Refused, ended, desk.desk.submit(draft(content, account_id=account_id)))
        self.assertEqual(desk.notebook.calls, [])
        return refused.code, refused.enhanced, refused.text

    def test_not_configured(self) -> None:
        """A domain that is unknown, not approved, or another account's is refused in the words of the contract."""
        desk = stand()
        for name in ("other.example", "new.example", "sub.example.com"):
            told = self.refusal(desk, b"From: a@" + name.encode() + b"\r\n\r\n")
            self.assertEqual(told, (550, "5.7.1", NOT_CONFIGURED % name))
        self.assertEqual(self.refusal(desk, CONTENT, account_id=2), (550, "5.7.1", NOT_CONFIGURED % "example.com"))

    def test_international(self) -> None:
        """A domain in From is compared as A-labels."""
        desk = stand()
        ended(desk.desk.submit(draft("From: a@bücher.example\r\n\r\n".encode())))
        self.assertEqual(desk.notebook.submissions[0].sender_domain, "xn--bcher-kva.example")

    def test_no_single_sender(self) -> None:
        """A message without From, or with more than one, is refused with the reason."""
        desk = stand()
        self.assertEqual(self.refusal(desk, b"Subject: x\r\n\r\n"), (550, "5.7.1", "The message has no From"))
        code, enhanced, text = self.refusal(desk, b"From: a@example.com\r\nFrom: b@example.com\r\n\r\n")
        self.assertEqual((code, enhanced), (550, "5.7.1"))
        self.assertIn("2 From fields", text)

    def test_optional(self) -> None:
        """When sender domains are optional all of these pass, without anybody's settings and key."""
        for content in (b"From: a@other.example\r\n\r\n", b"From: a@new.example\r\n\r\n", b"Subject: x\r\n\r\n"):
            desk = stand(sender_rule="optional")
            ended(desk.desk.submit(draft(content)))
            self.assertEqual(desk.notebook.submissions[0].sender_domain, "")
        desk = stand(sender_rule="optional")
        ended(desk.desk.submit(draft()))
        self.assertEqual(desk.notebook.submissions[0].sender_domain, "example.com")

    def test_not_known_now(self) -> None:
        """When the domain cannot be looked up nothing is stored and the client may try again."""
        desk = stand()
        desk.domains.failure = StorageBusy()
        self.assertRaises(StorageBusy, ended, desk.desk.submit(draft()))
        self.assertEqual(desk.notebook.calls, [])


class LimitTests(SynchronousTestCase):
    """Contents that are refused."""

    def refusal(self, content: bytes) -> tuple[int, str]:
        """The codes."""
        desk = stand()
        refused = self.assertRaises(Refused, ended, desk.desk.submit(draft(content)))
        self.assertEqual(desk.notebook.calls, [])
        returned = self.assertRaises(Refused, ended, desk.desk.take_return((), "", content, TRACE))
        self.assertEqual((returned.code, returned.enhanced), (refused.code, refused.enhanced))
        return refused.code, refused.enhanced

    def test_header(self) -> None:
        """A header block over 256 KiB: 552 5.3.4."""
        line = b"X-Filler: " + b"x" * 990 + b"\r\n"
        self.assertEqual(self.refusal(line * 263 + CONTENT), (552, "5.3.4"))

    def test_hops(self) -> None:
        """Over 50 Received lines: 554 5.4.6."""
        self.assertEqual(self.refusal(b"Received: from a by b; now\r\n" * 51 + CONTENT), (554, "5.4.6"))
        desk = stand()
        ended(desk.desk.submit(draft(b"Received: from a by b; now\r\n" * 50 + CONTENT)))
        self.assertEqual(len(desk.notebook.submissions), 1)

    def test_nesting(self) -> None:
        """Parts nested over 100 levels: 554 5.6.0."""
        head = CONTENT.partition(b"\r\n\r\n")[0] + b"\r\n"
        content = head + b"".join(
            b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level) for level in range(105)
        )
        self.assertEqual(self.refusal(content + b"\r\nx\r\n"), (554, "5.6.0"))

    def test_threads(self) -> None:
        """What is large is read in a thread, so that the reactor never waits; what is small is read at once."""
        desk = stand()
        ended(desk.desk.submit(draft()))
        self.assertEqual(desk.threads.runs, 0)
        ended(desk.desk.submit(draft(CONTENT + b"x" * 70_000)))
        self.assertEqual(desk.threads.runs, 1)


class CommitTests(SynchronousTestCase):
    """The order of things around the write."""

    def names(self, desk: Stand) -> list[object]:
        """What was done, in order."""
        return [call[0] for call in desk.notebook.calls]

    def test_fast_path(self) -> None:
        """Room is asked for, then it is stored as claimed, then handed over."""
        desk = stand()
        ended(desk.desk.submit(draft(recipients=["a@example.net", "b@example.org", "c@example.net"])))
        (submission,) = desk.notebook.submissions
        self.assertEqual(
            desk.notebook.calls,
            [
                ("reserve", 3, len(CONTENT), 1, frozenset(("example.net", "example.org"))),
                ("store", True),
                ("hand_over", submission.id),
            ],
        )

    def test_no_room(self) -> None:
        """Without room it is stored unclaimed, and nothing is handed over."""
        desk = stand()
        desk.notebook.has_room = False
        ended(desk.desk.submit(draft()))
        self.assertEqual(desk.notebook.calls[1:], [("store", False)])

    def test_room_later(self) -> None:
        """When the answer takes a moment nothing is stored before it."""
        for has_room in (True, False):
            desk = stand()
            answer: Deferred[bool] = Deferred()
            desk.notebook.has_room = answer
            receipts: list[object] = []
            _ = Deferred.fromCoroutine(desk.desk.submit(draft())).addCallback(receipts.append)
            self.assertEqual((len(desk.notebook.calls), receipts), (1, []))
            answer.callback(has_room)
            self.assertEqual(desk.notebook.calls[1], ("store", has_room))
            self.assertEqual((len(receipts), len(desk.notebook.handed)), (1, int(has_room)))

    def test_failure(self) -> None:
        """What cannot be stored is not accepted, and its room is given back."""
        for failure in (StorageBusy(), StorageFull()):
            desk = stand()
            desk.notebook.failure = failure
            self.assertRaises(type(failure), ended, desk.desk.submit(draft()))
            self.assertEqual(desk.notebook.calls[2:], [("give_back", 1, len(CONTENT))])

    def test_suppressed(self) -> None:
        """Messages that are not to be sent leave their room, and the receipt names them like the others."""
        desk = stand()
        desk.notebook.suppressed = frozenset(("b@example.org",))
        receipt = ended(desk.desk.submit(draft(recipients=["a@example.net", "b@example.org", "c@example.net"])))
        (submission,) = desk.notebook.submissions
        self.assertEqual(len(receipt.message_ids), 3)
        self.assertEqual(desk.notebook.calls[2:], [("give_back", 1, 0), ("hand_over", submission.id)])
        handed = [message.recipient.address for message in desk.notebook.handed[0].messages]
        self.assertEqual(handed, ["a@example.net", "c@example.net"])

    def test_all_suppressed(self) -> None:
        """When none is to be sent nothing is handed over, and the room of the content is given back too."""
        desk = stand()
        desk.notebook.suppressed = frozenset(("a@example.net", "b@example.org"))
        receipt = ended(desk.desk.submit(draft(recipients=["a@example.net", "b@example.org"])))
        self.assertEqual(len(receipt.message_ids), 2)
        self.assertEqual(desk.notebook.calls[2:], [("give_back", 2, len(CONTENT))])

    def test_suppressed_without_room(self) -> None:
        """What had no room leaves none."""
        desk = stand()
        desk.notebook.has_room, desk.notebook.suppressed = False, frozenset(("a@example.net",))
        ended(desk.desk.submit(draft(recipients=["a@example.net"])))
        self.assertEqual(desk.notebook.calls[1:], [("store", False)])

    def test_client_gone(self) -> None:
        """A client that goes away during the write does not stop it: what is stored as claimed reaches the queue."""
        desk = stand()
        gate: Deferred[None] = Deferred()
        desk.notebook.gate = gate
        submitting = Deferred.fromCoroutine(desk.desk.submit(draft()))
        submitting.cancel()
        self.failureResultOf(submitting, CancelledError)
        self.assertEqual(self.names(desk), ["reserve", "store"])
        gate.callback(None)
        self.assertEqual(self.names(desk), ["reserve", "store", "hand_over"])

    def test_client_gone_in_vain(self) -> None:
        """When the write fails that such a client has left behind, its room is given back, once, and not before."""
        desk = stand()
        desk.notebook.gate = gate = Deferred[None]()
        submitting = Deferred.fromCoroutine(desk.desk.submit(draft()))
        submitting.cancel()
        self.failureResultOf(submitting, CancelledError)
        self.assertEqual(self.names(desk), ["reserve", "store"])
        desk.notebook.failure = StorageBusy()
        gate.callback(None)
        self.assertEqual(desk.notebook.calls[2:], [("give_back", 1, len(CONTENT))])

    def test_not_before_the_commit(self) -> None:
        """There is no receipt before the write is done."""
        desk = stand()
        gate: Deferred[None] = Deferred()
        desk.notebook.gate = gate
        submitting = Deferred.fromCoroutine(desk.desk.submit(draft()))
        self.assertNoResult(submitting)
        self.assertEqual(self.names(desk), ["reserve", "store"])
        gate.callback(None)
        self.assertEqual(len(self.successResultOf(submitting).message_ids), 1)


class ManyTests(SynchronousTestCase):
    """Large envelopes."""

    def test_thousand(self) -> None:
        """A thousand recipients are one submission, one write, one handover."""
        desk = stand()
        many = tuple(Recipient(address=f"r{number}@d{number % 7}.example") for number in range(1000))
        whole: Draft = evolve(draft(), recipients=many)
        receipt = ended(desk.desk.submit(whole))
        self.assertEqual(len(set(receipt.message_ids)), 1000)
        self.assertEqual(desk.notebook.commits, 1)
        self.assertEqual(len(desk.notebook.events), 1000)
