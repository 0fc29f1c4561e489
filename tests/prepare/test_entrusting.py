"""Tests of who makes a message."""

from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.prepare import Prepared
from smtpeter.model.message import Submission
from smtpeter.model.options import Features
from smtpeter.prepare.entrusting import (
    MAX_BYTES,
    MAX_SHUNNED,
    SHUN_SECONDS,
    EntrustedMessage,
    EntrustingPreparer,
    is_entrusted,
)
from smtpeter.prepare.makers import Overtaxed
from smtpeter.prepare.orders import Made, NotMade, Order
from tests.prepare.case import HTML
from tests.prepare.rig import MESSAGE, OTHER, Domains, Rig, submission
from tests.prepare.test_orders import MADE

INLINE = Features(inlinecss=True)
CLICKS = Features(trackclicks=True)


def single(
    content: bytes = b"From: a@example.com\r\n\r\n" + HTML, features: Features = CLICKS, **others: Any
) -> Submission:
    """A submission of one message."""
    made = submission(content, features, **others)
    return evolve(made, messages=made.messages[:1])


@define(eq=False)
class Orders:
    """Makers that say what they are told to."""

    outcome: Made | BaseException = MADE
    orders: list[Order] = field(factory=list)

    async def make(self, order: Order) -> Made:
        """Note it."""
        self.orders.append(order)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


class DecisionTests(SynchronousTestCase):
    """What is worth the way."""

    def test_worth(self) -> None:
        """One message that is signed, or whose HTML is changed."""
        self.assertTrue(is_entrusted(single(features=Features()), True))
        for features in (CLICKS, INLINE, Features(trackopens=True)):
            self.assertTrue(is_entrusted(single(features=features), False))
        for features in (Features(), Features(trackbounces=True)):
            self.assertFalse(is_entrusted(single(features=features), False))

    def test_not_worth(self) -> None:
        """Neither many messages nor notices nor large contents."""
        self.assertFalse(is_entrusted(submission(b"x", CLICKS), True))
        self.assertFalse(is_entrusted(single(source="dsn"), True))
        self.assertTrue(is_entrusted(single(bytes(MAX_BYTES)), True))
        self.assertFalse(is_entrusted(single(bytes(MAX_BYTES + 1)), True))


class PreparerTests(SynchronousTestCase):
    """The preparer."""

    @override
    def setUp(self) -> None:
        self.rig, self.clock = Rig(), Clock()
        self.here = self.rig.compiler()
        self.plain, self.styled = Orders(), Orders()
        self.preparer = EntrustingPreparer(self.here, self.rig.domains, self.plain, self.styled, self.clock)

    def prepared(self, wanted: Submission) -> Prepared:
        """By the preparer."""
        prepared: Prepared = self.successResultOf(Deferred.fromCoroutine(self.preparer.prepare(wanted)))
        return prepared

    def content(self, prepared: Prepared, id: str = MESSAGE, seven_bit: bool = False) -> bytes:
        """As sent."""
        content: bytes = self.successResultOf(Deferred.fromCoroutine(prepared.render(id, seven_bit)))
        return content

    def test_made(self) -> None:
        """What a maker says is told, with the key and the time that it was given."""
        self.clock.advance(5)
        prepared = self.prepared(single())
        (order,) = self.plain.orders
        assert order.key is not None
        self.assertEqual((order.submission, order.key.selector, order.now), (single(), "s1", 5.0))
        self.assertEqual(self.content(prepared), MADE.content)
        told = (prepared.is_shared, prepared.is_eightbit, prepared.needs_utf8, prepared.size_bytes, prepared.warnings)
        self.assertEqual(told, (False, True, False, 1234, ("a", "ü")))
        self.assertEqual(prepared.reverse_path(MESSAGE), MADE.reverse_path)

    def test_style_sheets(self) -> None:
        """Who wants style sheets inlined waits with those only."""
        self.prepared(single(features=INLINE))
        self.assertEqual((len(self.plain.orders), len(self.styled.orders)), (0, 1))

    def test_unsigned(self) -> None:
        """Without a key, or without a sender domain, the order has none."""
        self.rig.domains.has_key = False
        self.prepared(single())
        self.rig.domains.has_key = True
        self.prepared(single(sender_domain=""))
        self.assertEqual([order.key for order in self.plain.orders], [None, None])

    def test_other_forms(self) -> None:
        """Seven bits, and another message, are made here, and the former once."""
        prepared = self.prepared(single(b"From: a@example.com\r\n\r\n\xc3\xa9\r\n"))
        recoded = self.content(prepared, seven_bit=True)
        self.assertTrue(recoded.isascii())
        self.assertIn(b"quoted-printable", recoded)
        self.assertNotEqual(self.content(prepared, OTHER), MADE.content)
        self.assertEqual(self.content(prepared), MADE.content)
        self.assertEqual(len(self.plain.orders), 1)

    def test_seven_bit_already(self) -> None:
        """What is ASCII already is in seven bits as it is."""
        self.plain.outcome = evolve(MADE, is_eightbit=False, content=b"x")
        self.assertEqual(self.content(self.prepared(single()), seven_bit=True), b"x")

    def test_not_made(self) -> None:
        """What a maker does not make is made here, and the next one is its own again."""
        self.plain.outcome = NotMade("busy")
        prepared = self.prepared(single())
        self.assertNotIsInstance(prepared, EntrustedMessage)
        self.assertIn(b"DKIM-Signature", self.content(prepared))
        self.plain.outcome = MADE
        self.assertIsInstance(self.prepared(single()), EntrustedMessage)

    def test_shunned(self) -> None:
        """Over whose letter a maker broke down, that sender's mail is made here for a while, and others' is not."""
        self.styled.outcome = Overtaxed("too long")
        self.assertNotIsInstance(self.prepared(single(features=INLINE)), EntrustedMessage)
        self.styled.outcome = MADE
        self.assertNotIsInstance(self.prepared(single(features=INLINE)), EntrustedMessage)
        self.assertIsInstance(self.prepared(single(features=INLINE, sender_domain="other.example")), EntrustedMessage)
        self.assertIsInstance(self.prepared(single(features=INLINE, account_id=2)), EntrustedMessage)
        self.clock.advance(SHUN_SECONDS - 0.1)
        self.assertNotIsInstance(self.prepared(single(features=INLINE)), EntrustedMessage)
        self.clock.advance(0.1)
        self.assertIsInstance(self.prepared(single(features=INLINE)), EntrustedMessage)

    def test_shunned_are_bounded(self) -> None:
        """Of too many who are shunned all are forgotten."""
        self.plain.outcome = Overtaxed("too long")
        for number in range(MAX_SHUNNED + 1):
            self.prepared(single(sender_domain=f"{number}.example"))
        self.assertEqual(list(self.preparer._shunned), [(1, f"{MAX_SHUNNED}.example")])

    def test_stop(self) -> None:
        """A stop is passed on: nothing is made here for it."""
        self.plain.outcome = CancelledError()
        asked = Deferred.fromCoroutine(self.preparer.prepare(single()))
        self.failureResultOf(asked, CancelledError)

    def test_many(self) -> None:
        """A submission of many messages is compiled here."""
        self.prepared(submission(b"From: a@example.com\r\n\r\n" + HTML, CLICKS))
        self.assertEqual(self.plain.orders, [])


class NoDomainTests(SynchronousTestCase):
    """A sender domain that is none."""

    def test_unknown(self) -> None:
        """A domain that nobody has signs nothing."""

        class Nobody(Domains):
            @override
            async def find_domain(self, account_id: int, name: str) -> None:
                return None

        plain = Orders()
        preparer = EntrustingPreparer(Rig().compiler(), Nobody(), plain, Orders(), Clock())
        self.successResultOf(Deferred.fromCoroutine(preparer.prepare(single())))
        self.assertIsNone(plain.orders[0].key)
