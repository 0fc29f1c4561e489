"""Tests of what the relay gets of a message."""

from attrs import define, evolve
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.model.message import Recipient
from smtpeter.model.relay import Job
from smtpeter.queue.loads import fresh, job_of
from tests.queue.samples import submission
from tests.support.preparer import FakePrepared


async def _unused(seven_bit: bool) -> bytes:
    return b""


def job(address: str, domain: str, reverse_path: str = "a@example.com") -> Job:
    """The job of a message to that address."""
    mail = submission([Recipient(address=address, orcpt="rfc822;x@example.org")], reverse_path=reverse_path)
    (message,) = mail.messages
    mail = evolve(mail, messages=(evolve(message, domain=domain),))
    (queued,) = fresh(mail)
    return job_of(queued, FakePrepared(mail), _unused)


@define(eq=False)
class OddPrepared(FakePrepared):
    """Says what no content could be."""

    @property
    @override
    def needs_utf8(self) -> bool:
        """Always."""
        return True

    @property
    @override
    def is_eightbit(self) -> bool:
        """Always."""
        return True

    @property
    @override
    def size_bytes(self) -> int:
        """Of a large one."""
        return 4711


class JobTests(SynchronousTestCase):
    """All that the relay must know."""

    def test_whole(self) -> None:
        """A job has what the client asked for and what preparing found out."""
        mail = submission([Recipient(address="b@example.net", notify=frozenset({"DELAY"}))], ret="FULL", envid="QQ1")
        (queued,) = fresh(mail)
        made = job_of(queued, OddPrepared(mail), _unused)
        self.assertEqual((made.ret, made.envid, made.recipient), ("FULL", "QQ1", mail.messages[0].recipient))
        self.assertEqual((made.needs_utf8, made.is_eightbit, made.size_bytes), (True, True, 4711))
        self.assertEqual((made.account_id, made.attempts, made.share_key), (1, 0, mail.id))

    def test_a_labels(self) -> None:
        """A domain goes out as A-labels behind an ASCII local part: such an address needs no SMTPUTF8."""
        made = job("Bob.x@bücher.example", "xn--bcher-kva.example")
        self.assertEqual(made.recipient, Recipient(address="Bob.x@xn--bcher-kva.example", orcpt="rfc822;x@example.org"))
        self.assertEqual((made.domain, made.needs_utf8), ("xn--bcher-kva.example", False))

    def test_local_part(self) -> None:
        """With a local part beyond ASCII the address stays as it was, and needs SMTPUTF8."""
        made = job("jürgen@bücher.example", "xn--bcher-kva.example")
        self.assertEqual((made.recipient.address, made.needs_utf8), ("jürgen@bücher.example", True))

    def test_reverse_path(self) -> None:
        """A reverse-path beyond ASCII needs SMTPUTF8, whoever it goes to."""
        self.assertTrue(job("bob@example.net", "example.net", "jürgen@example.com").needs_utf8)
        self.assertFalse(job("bob@example.net", "example.net", "").needs_utf8)
