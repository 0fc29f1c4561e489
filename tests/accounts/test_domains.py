"""The rules about sender domains, and what is published for them."""

from base64 import b64decode

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_private_key
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.accounts.accounts import Accounts
from smtpeter.accounts.domains import Domains, records
from smtpeter.accounts.refusals import AlreadyThere, NotFound, WrongName
from smtpeter.accounts.signing import DNSRecord, generate_private_key, key_record
from smtpeter.model.account import SigningKey
from tests.accounts.book import memory_book
from tests.support.database import now

PEM = generate_private_key()


class DomainsTests(SynchronousTestCase):
    """Adding, approving, deleting."""

    @override
    def setUp(self) -> None:
        book = memory_book()
        accounts = Accounts(book, lambda: 1.0)
        self.account, self.other = now(accounts.create("a")), now(accounts.create("b"))
        self.domains = Domains(book, lambda: 1.0)

    def test_add(self) -> None:
        """It is kept under its A-labels with its key, selector zero, and is approved only when somebody vouches."""
        now(self.domains.add(self.account, "Bücher.example", False, PEM))
        (kept,) = now(self.domains.all(self.account))
        self.assertEqual((kept.name, kept.is_approved), ("xn--bcher-kva.example", False))
        self.assertEqual(kept.key, SigningKey(domain="xn--bcher-kva.example", selector="zero", private_pem=PEM))
        self.assertTrue(now(self.domains.add(self.account, "b.example", True, PEM)).is_approved)

    def test_taken(self) -> None:
        """An account has a domain once, however it is written; another account may have it too."""
        now(self.domains.add(self.account, "a.example", False, PEM))
        with self.assertRaises(AlreadyThere):
            now(self.domains.add(self.account, "A.Example.", True, PEM))
        now(self.domains.add(self.other, "a.example", False, PEM))
        self.assertFalse(now(self.domains.find(self.account, "a.example")).is_approved)

    def test_wrong_name(self) -> None:
        """An impossible domain is not added."""
        with self.assertRaises(WrongName):
            now(self.domains.add(self.account, "192.0.2.1", True, PEM))
        self.assertEqual(now(self.domains.all(self.account)), [])

    def test_approve(self) -> None:
        """Approving changes that domain of that account only."""
        for account in (self.account, self.other):
            now(self.domains.add(account, "a.example", False, PEM))
        self.assertTrue(now(self.domains.approve(self.account, "A.example")).is_approved)
        self.assertTrue(now(self.domains.find(self.account, "a.example")).is_approved)
        self.assertFalse(now(self.domains.find(self.other, "a.example")).is_approved)

    def test_delete(self) -> None:
        """A deleted domain is gone with its key; the same of another account stays."""
        for account in (self.account, self.other):
            now(self.domains.add(account, "a.example", True, PEM))
        now(self.domains.delete(self.account, "a.example"))
        with self.assertRaisesRegex(NotFound, "no domain a.example. Domains: none yet."):
            now(self.domains.find(self.account, "a.example"))
        with self.assertRaises(NotFound):
            now(self.domains.delete(self.account, "a.example"))
        self.assertEqual(now(self.domains.find(self.other, "a.example")).name, "a.example")

    def test_records(self) -> None:
        """The key's record is what is to be published."""
        domain = now(self.domains.add(self.account, "a.example", True, PEM))
        assert domain.key is not None
        self.assertEqual(records(domain), [key_record(domain.key)])


class SigningTests(SynchronousTestCase):
    """Keys and their record."""

    def test_key(self) -> None:
        """RSA with 2048 bits (RFC 8301)."""
        key = load_pem_private_key(PEM, None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.assertEqual((key.key_size, key.public_key().public_numbers().e), (2048, 65537))

    def test_record(self) -> None:
        """Name, tags and public half are those of RFC 6376, 3.6.1."""
        record = key_record(SigningKey(domain="a.example", selector="zero", private_pem=PEM))
        self.assertEqual((record.name, record.type), ("zero._domainkey.a.example", "TXT"))
        tags = dict(part.strip().split("=", 1) for part in record.value.split(";"))
        self.assertEqual((tags["v"], tags["k"]), ("DKIM1", "rsa"))
        public = load_der_public_key(b64decode(tags["p"], validate=True))
        self.assertEqual(public, load_pem_private_key(PEM, None).public_key())

    def test_quoted(self) -> None:
        """A zone file has strings of at most 255 octets (RFC 1035, 3.3.14), which join to the value."""
        record = key_record(SigningKey(domain="a.example", selector="zero", private_pem=PEM))
        strings = record.quoted.strip('"').split('" "')
        self.assertGreater(len(strings), 1)
        self.assertLessEqual(max(map(len, strings)), 255)
        self.assertEqual("".join(strings), record.value)
        self.assertEqual(DNSRecord(name="a", type="MX", value="10 b.").quoted, "10 b.")
