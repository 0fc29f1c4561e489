"""Tests of what an outcome changes."""

from email import message_from_bytes, policy
from email.message import EmailMessage

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.message import Queued, State, Submission
from smtpeter.model.outcome import Kind, Outcome, Reply
from smtpeter.model.queue import Settlement
from smtpeter.queue.settle import expire, is_expired, settle
from tests.queue.samples import DAY, NOW, an_id, queued
from tests.support.relay import deferred, delivered, failed

HOURS = 3600.0


def settled(about: Queued, outcome: Outcome, warnings: tuple[str, ...] = ()) -> Settlement:
    """A settlement with the usual circumstances."""
    return settle(about, outcome, "mail.example.com", 0.5, an_id, warnings)


def report(notice: Submission | None) -> tuple[EmailMessage, dict[str, str]]:
    """A notice as a mail program reads it, and its fields about the recipient."""
    if notice is None:
        raise AssertionError("there is no notice")
    message = message_from_bytes(notice.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    status = list(message.iter_parts())[1]
    groups = [group for group in status.walk() if group is not status]
    return message, {str(name).lower(): str(value) for group in groups for name, value in group.items()}


class SuppressionTests(SynchronousTestCase):
    """Whether the recipient comes on the suppression list."""

    def test_failures(self) -> None:
        """A hard failure says so, with its reply; a soft one does not."""
        about = queued()
        entry = settled(about, failed(NOW)).suppression
        assert entry is not None
        self.assertEqual((entry.address, entry.message_id), ("b@example.net", about.message.id))
        self.assertEqual((entry.at, entry.description), (NOW, "550 5.1.1 no such user"))
        self.assertIsNone(settled(queued(), evolve(failed(NOW), is_hard=False)).suppression)

    def test_expiry(self) -> None:
        """An expiry says so when the address was unknown to the end, with the last attempt or after it."""
        unknown = evolve(deferred(NOW + DAY), reply=Reply(code=450, enhanced="4.1.1", text="who?"))
        for expired in (
            settled(queued(), unknown),
            expire(queued(last_reply="450 4.1.1 who?"), NOW + DAY, "mail.example.com", an_id),
        ):
            assert expired.suppression is not None
            self.assertEqual((expired.state, expired.suppression.at), (State.EXPIRED, NOW + DAY))
        self.assertIsNone(expire(queued(last_reply="450 4.2.0 x"), NOW + DAY, "mail.example.com", an_id).suppression)

    def test_others(self) -> None:
        """A delivery and an attempt that failed for now do not, whatever was said."""
        unknown = evolve(deferred(NOW), reply=Reply(code=450, enhanced="4.1.1", text="who?"))
        for outcome in (delivered(NOW), unknown):
            self.assertIsNone(settled(queued(), outcome).suppression)


class StateTests(SynchronousTestCase):
    """Where the message is afterwards."""

    def test_delivered(self) -> None:
        """A success is final and counts as an attempt."""
        about = queued(attempts=3)
        settlement = settled(about, delivered(NOW + 5))
        self.assertEqual(settlement.message_id, about.message.id)
        self.assertEqual((settlement.state, settlement.attempts), (State.DELIVERED, 4))
        self.assertIsNone(settlement.next_attempt_at)

    def test_failed(self) -> None:
        """A refusal is final, and remembered."""
        settlement = settled(queued(), failed(NOW))
        self.assertEqual((settlement.state, settlement.attempts), (State.FAILED, 1))
        self.assertEqual(settlement.last_reply, "550 5.1.1 no such user")
        self.assertIsNone(settlement.next_attempt_at)

    def test_deferred(self) -> None:
        """A failure for now keeps it queued, later each time."""
        settlement = settled(queued(attempts=2), deferred(NOW))
        self.assertEqual((settlement.state, settlement.attempts), (State.QUEUED, 3))
        self.assertEqual(settlement.next_attempt_at, NOW + 20 * 60)
        self.assertEqual(settlement.last_reply, "450 4.2.0 come back later")

    def test_hint(self) -> None:
        """A hint is obeyed."""
        settlement = settled(queued(), deferred(NOW, retry_at=NOW + 1000))
        self.assertEqual(settlement.next_attempt_at, NOW + 1100)

    def test_shared(self) -> None:
        """What counts against the destination leaves the count of attempts."""
        self.assertEqual(settled(queued(attempts=2), deferred(NOW, is_shared=True)).attempts, 2)
        late = settled(queued(attempts=2), deferred(NOW + DAY, is_shared=True))
        self.assertEqual((late.state, late.attempts), (State.EXPIRED, 2))

    def test_released(self) -> None:
        """What was never attempted has no settlement."""
        outcome = Outcome(message_id="", kind=Kind.RELEASED, at=NOW, stage="connect")
        self.assertRaises(ValueError, settled, queued(), outcome)

    def test_deferred_too_late(self) -> None:
        """A failure for now after the end of a message's time is its end."""
        settlement = settled(queued(), deferred(NOW + DAY))
        self.assertEqual((settlement.state, settlement.next_attempt_at), (State.EXPIRED, None))
        self.assertEqual(settlement.events[0].data["state"], "expired")
        self.assertEqual(settlement.last_reply, "450 4.2.0 come back later")

    def test_expire(self) -> None:
        """A message can be given up without an attempt; what it was told last is kept."""
        about = queued(attempts=7, last_reply="451 4.7.1 greylisted")
        self.assertFalse(is_expired(about, NOW + DAY - 1))
        self.assertTrue(is_expired(about, NOW + DAY))
        settlement = expire(about, NOW + DAY, "mail.example.com", an_id)
        self.assertEqual((settlement.state, settlement.attempts), (State.EXPIRED, 7))
        data = settlement.events[0].data
        self.assertEqual(
            (data["type"], data["state"], data["status"], data["code"]), ("expired", "expired", "4.4.7", "451")
        )
        self.assertIn("greylisted", data["description"])

    @settings(max_examples=60)
    @given(
        st.lists(
            st.tuples(st.sampled_from([deferred, failed, delivered]), st.booleans(), st.floats(0, 1)), max_size=120
        )
    )
    def test_one_end(self, outcomes: list[tuple[object, bool, float]]) -> None:
        """Under any run of outcomes a message is queued with a next attempt in its time until it ends, once."""
        about, at = queued(reverse_path=""), NOW
        for make, is_shared, jitter in outcomes:
            if is_expired(about, at):
                self.assertIs(expire(about, at, "mail.example.com", an_id).state, State.EXPIRED)
                return
            outcome = evolve(make(at), is_shared=is_shared and make is deferred)  # type: ignore[operator]
            settlement = settle(about, outcome, "mail.example.com", jitter, an_id)
            if settlement.state is not State.QUEUED:
                self.assertIsNone(settlement.next_attempt_at)
                return
            assert settlement.next_attempt_at is not None
            self.assertTrue(at < settlement.next_attempt_at <= about.submission.expires_at)
            self.assertEqual(len(settlement.events), 1)
            about, at = evolve(about, attempts=settlement.attempts), settlement.next_attempt_at


class EventTests(SynchronousTestCase):
    """The fields of log files and webhooks."""

    def test_delivery(self) -> None:
        """A delivery has envelope, both addresses, the number of the attempt from 0, and the dialogue."""
        about = queued(attempts=0)
        (event,) = settled(about, delivered(NOW + 2), ("one", "two")).events
        self.assertEqual((event.type, event.at, event.recipient), ("delivery", NOW + 2, "b@example.net"))
        self.assertEqual((event.message_id, event.account_id, event.tags), (about.message.id, 1, ("news", "may")))
        self.assertEqual(
            event.data,
            {
                "envelope": "a@example.com",
                "from": "192.0.2.1",
                "to": "198.51.100.7 mx.example.net",
                "attempt": "0",
                "templateid": "0",
                "code": "250",
                "status": "2.0.0",
                "description": "Ok: queued as 4711",
                "warnings": "one\ntwo",
                "transcript": "C: MAIL FROM:<a@example.com>\nS: 250 Ok",
            },
        )

    def test_tls(self) -> None:
        """Of what went inside TLS protocol and cipher are told, whatever became of it."""
        for outcome in (delivered(NOW), failed(NOW), deferred(NOW), deferred(NOW + 2 * DAY)):
            (event,) = settled(queued(), evolve(outcome, tls="TLSv1.3 TLS_AES_256_GCM_SHA384")).events
            self.assertEqual(event.data["tls"], "TLSv1.3 TLS_AES_256_GCM_SHA384")
            self.assertNotIn("tls", settled(queued(), outcome).events[0].data)

    def test_warnings(self) -> None:
        """What was not done to the message is told whatever became of it."""
        for outcome in (delivered(NOW), failed(NOW), deferred(NOW), deferred(NOW + 2 * DAY)):
            (event,) = settled(queued(), outcome, ("one", "two")).events
            self.assertEqual(event.data["warnings"], "one\ntwo", event.type)
            (event,) = settled(queued(), outcome).events
            self.assertNotIn("warnings", event.data)

    def test_failure(self) -> None:
        """A failure says what kind it is, how hard, and where in SMTP it happened."""
        (event,) = settled(queued(attempts=2), failed(NOW)).events
        self.assertEqual(event.type, "failure")
        self.assertEqual(
            {
                name: event.data[name]
                for name in ("type", "severity", "code", "status", "description", "state", "attempt")
            },
            {
                "type": "user_unknown",
                "severity": "hard",
                "code": "550",
                "status": "5.1.1",
                "description": "no such user",
                "state": "rcpt",
                "attempt": "2",
            },
        )
        (event,) = settled(queued(), evolve(failed(NOW), is_hard=False)).events
        self.assertEqual(event.data["severity"], "soft")

    def test_deferral(self) -> None:
        """A deferral says what was told, by whom, and when it is tried again."""
        (event,) = settled(queued(), deferred(NOW)).events
        self.assertEqual(event.type, "deferral")
        self.assertEqual(event.data["reply"], "450 4.2.0 come back later")
        self.assertEqual(event.data["destination"], "mx.example.net")
        self.assertEqual(event.data["next_attempt"], "2027-01-15 08:05:00")

    def test_all_text(self) -> None:
        """All values are strings, whatever the outcome lacks; the status is one that fits what is known."""
        bare = Outcome(
            message_id="", kind=Kind.FAILED, at=NOW, stage="connect", description="no MX", reason="domain_unknown"
        )
        for outcome in (bare, evolve(bare, kind=Kind.DEFERRED), evolve(bare, reply=Reply(code=550))):
            (event,) = settled(queued(), outcome).events
            self.assertTrue(all(isinstance(value, str) for value in event.data.values()))
        self.assertEqual(settled(queued(), bare).events[0].data["status"], "5.1.2")
        self.assertEqual(settled(queued(), bare).events[0].data["description"], "no MX")


class FailureNoticeTests(SynchronousTestCase):
    """Who is told of a failure."""

    def test_default(self) -> None:
        """The submitter is told unless he said otherwise: from nobody, about this recipient, with the headers."""
        about = queued(orcpt="rfc822;original@example.net", envid="QQ314159")
        notice = settled(about, failed(NOW + 60)).notice
        message, fields = report(notice)
        assert notice is not None
        self.assertEqual((notice.source, notice.reverse_path, notice.sender_domain), ("dsn", "", ""))
        self.assertEqual([(m.recipient.address, m.domain) for m in notice.messages], [("a@example.com", "example.com")])
        self.assertEqual((notice.messages[0].recipient.notify, notice.is_utf8), (frozenset({"NEVER"}), False))
        self.assertEqual(notice.features.enabled(), ())
        self.assertEqual((notice.received_at, notice.expires_at), (NOW + 60, NOW + 60 + DAY))
        self.assertEqual(message["To"], "a@example.com")
        self.assertEqual(fields["action"], "failed")
        self.assertEqual(fields["status"], "5.1.1")
        self.assertEqual(fields["final-recipient"], "rfc822; b@example.net")
        self.assertEqual(fields["original-recipient"], "rfc822; original@example.net")
        self.assertEqual(fields["original-envelope-id"], "QQ314159")
        self.assertEqual(fields["diagnostic-code"], "smtp; 550 5.1.1 no such user")
        self.assertIn(b"Subject: Hello", notice.content)
        self.assertNotIn(b"Hello.", notice.content)

    def test_international(self) -> None:
        """A submitter beyond ASCII is told in UTF-8, at the domain that is looked up."""
        notice = settled(queued(reverse_path="jürgen@bücher.example"), failed(NOW)).notice
        assert notice is not None
        self.assertTrue(notice.is_utf8)
        (message,) = notice.messages
        self.assertEqual(
            (message.recipient.address, message.domain), ("jürgen@bücher.example", "xn--bcher-kva.example")
        )

    def test_full(self) -> None:
        """RET=FULL returns the whole message."""
        notice = settled(queued(ret="FULL"), failed(NOW)).notice
        assert notice is not None
        self.assertIn(b"Hello.", notice.content)

    def test_none(self) -> None:
        """None when the client wanted none, none to nobody, none about a notice."""
        self.assertIsNone(settled(queued(notify=["NEVER"]), failed(NOW)).notice)
        self.assertIsNone(settled(queued(notify=["SUCCESS", "DELAY"]), failed(NOW)).notice)
        self.assertIsNone(settled(queued(reverse_path=""), failed(NOW)).notice)
        self.assertIsNone(settled(queued(source="dsn"), failed(NOW)).notice)
        self.assertIsNotNone(settled(queued(notify=["FAILURE"]), failed(NOW)).notice)

    def test_no_notice_of_a_notice(self) -> None:
        """A notice that fails ends there."""
        notice = settled(queued(), failed(NOW)).notice
        assert notice is not None
        again = Queued(message=notice.messages[0], submission=notice, attempts=0)
        self.assertIsNone(settled(again, failed(NOW)).notice)

    def test_expired(self) -> None:
        """An expiry is a failure with the last words of the destination."""
        about = queued(last_reply="451 4.7.1 greylisted")
        _, fields = report(expire(about, NOW + DAY, "mail.example.com", an_id).notice)
        self.assertEqual((fields["action"], fields["status"]), ("failed", "4.4.7"))
        self.assertIn("greylisted", fields["diagnostic-code"])
        self.assertIsNone(expire(queued(notify=["NEVER"]), NOW + DAY, "mail.example.com", an_id).notice)

    def test_orcpt_without_type(self) -> None:
        """An original recipient without its type is a mail address."""
        _, fields = report(settled(queued(orcpt="original@example.net"), failed(NOW)).notice)
        self.assertEqual(fields["original-recipient"], "rfc822; original@example.net")


class DelayNoticeTests(SynchronousTestCase):
    """Who is told of a delay."""

    def test_once_after_four_hours(self) -> None:
        """It comes once, with the deferral at four hours, and says how long it will be tried."""
        about, at, told = queued(notify=["DELAY"]), NOW, []
        while not is_expired(about, at):
            settlement = settled(about, deferred(at))
            if settlement.notice is not None:
                told.append(at)
                _, fields = report(settlement.notice)
                self.assertEqual(fields["action"], "delayed")
                self.assertEqual(fields["status"], "4.2.0")
                self.assertIn("will-retry-until", fields)
            assert settlement.next_attempt_at is not None
            about, at = evolve(about, attempts=settlement.attempts), settlement.next_attempt_at
        self.assertEqual(told, [NOW + 4 * HOURS])

    def test_only_when_asked(self) -> None:
        """Who did not ask is not told."""
        for notify in (None, ["FAILURE"], ["NEVER"]):
            about = queued(notify=notify)  # type: ignore[arg-type]
            self.assertIsNone(settled(about, deferred(NOW + 4 * HOURS)).notice)


class SuccessNoticeTests(SynchronousTestCase):
    """Who is told of success."""

    def test_relayed(self) -> None:
        """Who asked is told, where the next hop makes no notices."""
        _, fields = report(settled(queued(notify=["SUCCESS"]), delivered(NOW)).notice)
        self.assertEqual((fields["action"], fields["status"]), ("relayed", "2.0.0"))

    def test_left_to_the_next_hop(self) -> None:
        """A next hop with DSN does it itself."""
        outcome = evolve(delivered(NOW), peer_has_dsn=True)
        self.assertIsNone(settled(queued(notify=["SUCCESS"]), outcome).notice)

    def test_only_when_asked(self) -> None:
        """Nobody else is told."""
        self.assertIsNone(settled(queued(), delivered(NOW)).notice)
        self.assertIsNone(settled(queued(notify=["FAILURE", "DELAY"]), delivered(NOW)).notice)
        self.assertIsNone(settled(queued(notify=["SUCCESS"], reverse_path=""), delivered(NOW)).notice)
