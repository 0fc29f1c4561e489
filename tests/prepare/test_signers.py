"""Tests of signing: with which key, when, and what a verifier says."""

import re

import dkim
from twisted.internet.defer import Deferred
from typing_extensions import override

from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.account import SenderDomain, SigningKey
from smtpeter.prepare.signers import MAX_SIGNERS, REMEMBER_SECONDS
from tests.prepare.case import HTML, OFF, PLAIN, CompilerCase
from tests.prepare.rig import MESSAGE, PEM, RECORD, Domains, Rig, submission
from tests.support.newsletters import message


class Counting(Domains):
    """Knows what it was asked."""

    asked: list[tuple[str, int]]

    def __init__(self, has_key: bool = True) -> None:
        super().__init__(has_key)
        self.asked = []

    @override
    async def find_domain(self, account_id: int, name: str) -> SenderDomain | None:
        """The domain, counted."""
        self.asked.append((name, account_id))
        return await super().find_domain(account_id, name)


class OwnKeys(Domains):
    """Each account has a key of its own for the domain, account 3 has none."""

    @override
    async def find_domain(self, account_id: int, name: str) -> SenderDomain | None:
        """The domain of that account."""
        if account_id == 3:
            return None
        key = SigningKey(domain=name, selector=f"account{account_id}", private_pem=PEM)
        return SenderDomain(account_id=account_id, name=name, is_approved=True, key=key)


class Changing(Domains):
    """A key that is replaced now and then."""

    selector = ""

    @override
    async def find_domain(self, account_id: int, name: str) -> SenderDomain | None:
        """The domain, with its key of now."""
        key = SigningKey(domain=name, selector=self.selector, private_pem=PEM)
        return SenderDomain(account_id=account_id, name=name, is_approved=True, key=key)


class Busy(Domains):
    """Cannot be read."""

    @override
    async def find_domain(self, account_id: int, name: str) -> SenderDomain | None:
        """Not now."""
        raise StorageBusy


class BrokenKey(Domains):
    """A key that is none."""

    @override
    async def find_domain(self, account_id: int, name: str) -> SenderDomain | None:
        """A domain."""
        key = SigningKey(domain=name, selector="s", private_pem=b"none")
        return SenderDomain(account_id=account_id, name=name, is_approved=True, key=key)


class SigningTests(CompilerCase):
    """DKIM."""

    def test_signed(self) -> None:
        """With a key it is signed after the last change; a changed octet is noticed by somebody else's verifier."""
        self.rig.domains = Domains()
        sent = self.sent(message(HTML, "utf-8"))
        self.assertTrue(dkim.verify(sent, dnsfunc=lambda name, timeout=5: RECORD))
        self.assertFalse(dkim.verify(sent.replace(b"<p>", b"<b>"), dnsfunc=lambda name, timeout=5: RECORD))
        changed = re.sub(rb"(X-Message-Reference: )..", rb"\1xx", sent)
        self.assertFalse(dkim.verify(changed, dnsfunc=lambda name, timeout=5: RECORD))

    def test_what_is_signed(self) -> None:
        """All that a reader or a program relies on; From, To, Subject and Date once more than they are there."""
        self.rig.domains = Domains()
        names = (
            "From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
            "Content-Transfer-Encoding", "List-Unsubscribe", "List-Unsubscribe-Post", "X-Message-Reference",
        )  # fmt: skip
        content = b"Cc: c@d\r\nReply-To: r@d\r\nList-Unsubscribe: <mailto:u@d>\r\nList-Unsubscribe-Post: x\r\n"
        sent = self.sent(content + message(HTML, "utf-8"))
        found = re.search(rb"\bh=([^;]*);", sent)
        assert found is not None
        signed = "".join(found[1].decode().split()).split(":")
        for name in names:
            twice = name in ("From", "To", "Subject", "Date")
            self.assertEqual(signed.count(name.lower()), 2 if twice else 1, name)
        for tag in (b"a=rsa-sha256;", b"c=relaxed/relaxed;", b"d=example.com;"):
            self.assertIn(tag, sent)
        self.assertNotIn(b"l=", found.string[: found.end()])

    def test_own_account(self) -> None:
        """A domain's key is that of the account which sends, though another account's key for it is remembered."""
        self.rig.domains = OwnKeys()
        compiler = self.rig.compiler()
        for account_id, selectors in ((1, [b"account1"]), (2, [b"account2"]), (3, []), (1, [b"account1"])):
            prepared = self.successResultOf(compiler.prepare(submission(PLAIN, account_id=account_id)))
            sent = self.successResultOf(prepared.render(MESSAGE, False))
            self.assertEqual(re.findall(rb" s=([a-z0-9]+);", sent), selectors)

    def test_own_domain(self) -> None:
        """Each domain of an account has a key of its own."""
        self.rig.domains = Domains()
        compiler = self.rig.compiler()
        for domain in ("example.com", "example.org", "example.com"):
            prepared = self.successResultOf(compiler.prepare(submission(PLAIN, sender_domain=domain)))
            sent = self.successResultOf(prepared.render(MESSAGE, False))
            self.assertEqual(re.findall(rb" d=([a-z.]+);", sent), [domain.encode()])

    def test_new_key(self) -> None:
        """A key that was replaced is used within seconds."""
        domains = Changing()
        self.rig.domains = domains
        compiler = self.rig.compiler()
        for selector in ("old", "new"):
            domains.selector = selector
            self.rig.clock.advance(REMEMBER_SECONDS)
            prepared = self.successResultOf(compiler.prepare(submission(PLAIN)))
            self.assertIn(f" s={selector};".encode(), self.successResultOf(prepared.render(MESSAGE, False)))

    def test_unsigned(self) -> None:
        """Without a key, for our own notices and without a sender domain it is not."""
        self.assertNotIn(b"DKIM-Signature", self.sent(PLAIN))
        self.rig.domains = Domains()
        self.assertNotIn(b"DKIM-Signature", self.sent(PLAIN, source="dsn"))
        self.assertNotIn(b"DKIM-Signature", self.sent(PLAIN, sender_domain=""))
        self.assertIn(b"DKIM-Signature", self.sent(PLAIN))

    def test_seven_bit(self) -> None:
        """The seven-bit form is signed anew."""
        self.rig.domains = Domains()
        content = b"From: a@example.com\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xc3\xa9\r\n"
        sent = self.sent(content, OFF, seven_bit=True)
        self.assertTrue(sent.isascii())
        self.assertTrue(dkim.verify(sent, dnsfunc=lambda name, timeout=5: RECORD))

    def test_unusable_key(self) -> None:
        """A key that cannot be read leaves the mail unsigned, with a warning."""
        self.rig.domains = BrokenKey()
        prepared = self.prepared(PLAIN, OFF)
        self.assertEqual(prepared.warnings, ("the message was not signed: the key of example.com cannot be used",))
        self.assertTrue(self.successResultOf(prepared.render(MESSAGE, False)).endswith(PLAIN))

    def test_busy(self) -> None:
        """When keys cannot be read now, that is told."""
        self.rig.domains = Busy()
        compiling = Deferred.fromCoroutine(self.rig.compiler().prepare(submission(PLAIN)))
        self.failureResultOf(compiling, StorageBusy)

    def test_bounded(self) -> None:
        """No more than so many keys are remembered, and none of a domain that has none any more."""
        rig = Rig(domains=Domains())
        compiler = rig.compiler()
        self.successResultOf(compiler.prepare(submission(PLAIN)))
        remembered = compiler._signers._remembered
        (known,) = remembered.values()
        remembered.update(((number, "example.net"), known) for number in range(MAX_SIGNERS))
        self.successResultOf(compiler.prepare(submission(PLAIN, sender_domain="example.org")))
        self.assertEqual(list(remembered), [(1, "example.org")])
        rig.domains.has_key = False
        rig.clock.advance(REMEMBER_SECONDS)
        self.successResultOf(compiler.prepare(submission(PLAIN, sender_domain="example.org")))
        self.assertEqual(remembered, {})

    def test_clock_set_back(self) -> None:
        """When the clock was set back a key is asked for again rather than believed until then."""
        domains = Counting()
        rig = Rig(domains=domains)
        compiler = rig.compiler()
        rig.clock.advance(1000)
        for count in (1, 2):
            self.successResultOf(compiler.prepare(submission(PLAIN)))
            self.assertEqual(len(domains.asked), count)
            rig.clock.advance(-500)

    def test_remembered(self) -> None:
        """A key is asked for again after some seconds; a domain without a key each time."""
        for domains, expected in ((Counting(), [1, 1, 2]), (Counting(has_key=False), [1, 2, 3])):
            rig = Rig(domains=domains)
            compiler = rig.compiler()
            for count, seconds in zip(expected, (1, REMEMBER_SECONDS, 0), strict=True):
                self.successResultOf(compiler.prepare(submission(PLAIN)))
                self.assertEqual(domains.asked, [("example.com", 1)] * count)
                rig.clock.advance(seconds)
