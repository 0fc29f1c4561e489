"""Tests for L{smtpeter.mime.dkim}: dkimpy, which is not ours, is the judge."""

import re
from base64 import b64decode
from hashlib import sha256

import dkim
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.canonical import relaxed_field
from smtpeter.mime.dkim import KeyUnusable, Signer, generate_rsa_pem, public_record, select_fields
from smtpeter.mime.headers import read_headers
from smtpeter.model.account import SigningKey

PEM = generate_rsa_pem(1024)
"""Short, since it is made for each run."""

KEY = SigningKey(domain="example.com", selector="s1", private_pem=PEM)
SIGNER = Signer.from_key(KEY)
RECORD = public_record(PEM).encode()

HEADERS = {
    "plain": b"From: Joe <joe@example.com>\r\nTo: a@example.net\r\nSubject: hello\r\n"
    b"Date: Thu, 29 Feb 2024 12:34:56 +0000\r\n",
    "folded": b"From: Joe\r\n\t<joe@example.com>\r\nSubject:\r\n one \t two\r\n\tthree  \r\n"
    b"To:a@example.net,\r\n b@example.net\r\n",
    "only from": b"From: joe@example.com\r\n",
    "repeated": b"Subject: one\r\nFrom: joe@example.com\r\nsubject: two\r\nTo: a@b\r\nTO: c@d\r\n"
    b"Subject: three\r\nCc:\r\n",
    "spaces": b"FROM:   joe@example.com  \r\nSubject: \t \r\nX-Unsigned:  y\r\nmessage-id:<x@y>\r\n",
    "eight bit": "From: Jürgen <joe@example.com>\r\nSubject: Grüße\r\nReply-To: ö@example.com\r\n".encode()
    + b"To: \xff\xfe@x\r\n",
    "mime": b"From: joe@example.com\r\nMIME-Version: 1.0\r\nContent-Type: text/html;\r\n\tcharset=utf-8\r\n"
    b"Content-Transfer-Encoding: 8bit\r\nContent-ID: <x>\r\nList-Unsubscribe: <https://x>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nFeedback-ID: a:b\r\nX-Message-Reference: r\r\n",
    "long": b"From: joe@example.com\r\nTo: " + b"abcdef@example.net, " * 60 + b"x@example.net\r\n",
}

BODIES = {
    "empty": b"",
    "one line": b"hello\r\n",
    "no final newline": b"hello\r\nthere",
    "trailing blank lines": b"hello\r\n\r\n\r\n\r\n",
    "only blank lines": b"\r\n\r\n",
    "only a space": b" ",
    "spaces and tabs": b" a  b\t\tc \t \r\n\t\r\n   \r\nd \r\n \r\n",
    "eight bit": "Grüße  an alle\r\n".encode() + b"\xff\xfe\x00 \r\n",
    "long line": b"x y  " * 3000 + b"\r\n",
    "dots": b".\r\n..\r\n.a\r\n",
}


def signed(block: bytes, body: bytes) -> bytes:
    """As it is on the wire: stuffing adds the last line end."""
    message = SIGNER.sign(block, SIGNER.body_hash(body), 1709210096.5) + block + b"\r\n" + body
    return message if message.endswith(b"\r\n") else message + b"\r\n"


def is_valid(message: bytes, record: bytes = RECORD) -> bool:
    return bool(dkim.verify(message, dnsfunc=lambda name, timeout=5: record))


class VerifyTests(SynchronousTestCase):
    """Other people's verifier agrees."""

    def test_corpus(self) -> None:
        """Every header block with every body verifies."""
        for kind, block in HEADERS.items():
            for shape, body in BODIES.items():
                self.assertTrue(is_valid(signed(block, body)), (kind, shape))

    @given(
        st.lists(
            st.sampled_from([b"To: x\r\n", b"Subject:  a\t\r\n  b \r\n", b"X: y\r\n", b"Content-A:\xff\r\n"]),
            max_size=5,
        ),
        st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"\xfc", b"=", b"."]), max_size=12).map(b"".join),
    )
    @settings(max_examples=60)
    def test_random(self, fields: list[bytes], body: bytes) -> None:
        """Any mixture verifies."""
        self.assertTrue(is_valid(signed(b"From: joe@example.com\r\n" + b"".join(fields), body)))

    def test_obsolete_white_space(self) -> None:
        """White space in front of a colon, which the judge does not read, is gone in a rewritten block."""
        block = b"From : joe@example.com\r\nSubject\t: x\r\n"
        with self.assertRaises(dkim.MessageFormatError):
            is_valid(signed(block, b"x"))
        self.assertTrue(is_valid(signed(read_headers(block).rewritten().removesuffix(b"\r\n"), b"x")))

    def test_change_is_noticed(self) -> None:
        """A changed body or signed field breaks it, and so does another key."""
        message = signed(HEADERS["plain"], b"hello\r\n")
        self.assertTrue(is_valid(message))
        self.assertFalse(is_valid(message.replace(b"hello\r\n", b"hellO\r\n", 2)))
        self.assertFalse(is_valid(message.replace(b"Subject: hello", b"Subject: jello")))
        self.assertFalse(is_valid(message, public_record(generate_rsa_pem(1024)).encode()))

    def test_added_fields_are_noticed(self) -> None:
        """A second From, To, Subject or Date breaks it, also where there was none."""
        for block in (HEADERS["plain"], HEADERS["only from"]):
            message = signed(block, b"hello\r\n")
            for name in (b"From", b"To", b"Subject", b"Date"):
                self.assertFalse(is_valid(name + b": x\r\n" + message), name)
                self.assertFalse(is_valid(message.replace(block, block + name + b": x\r\n")), name)

    def test_unsigned_fields(self) -> None:
        """Fields that are not signed may come and go on the way."""
        message = signed(HEADERS["plain"], b"hello\r\n")
        self.assertTrue(is_valid(b"Received: by x; date\r\n" + message))

    def test_separate_halves(self) -> None:
        """One body hash serves many header blocks."""
        body_hash = SIGNER.body_hash(b"hello\r\n")
        for number in range(3):
            block = HEADERS["plain"] + b"Message-ID: <%d@x>\r\n" % number
            self.assertTrue(is_valid(SIGNER.sign(block, body_hash, 0) + block + b"\r\nhello\r\n"))


class FieldTests(SynchronousTestCase):
    """What the field says."""

    def field(self, kind: str) -> bytes:
        return SIGNER.sign(HEADERS[kind] + b"\r\n", SIGNER.body_hash(b""), 1709210096.5)

    def test_tags(self) -> None:
        """Version, algorithm, canonical forms, domain, selector, time; never a body length."""
        block = read_headers(self.field("plain"))
        self.assertEqual([field.name for field in block.fields], ["DKIM-Signature"])
        tags = dict(part.strip().split(b"=", 1) for part in block.fields[0].value.split(b";"))
        self.assertEqual(set(tags), {b"v", b"a", b"c", b"d", b"s", b"t", b"h", b"bh", b"b"})
        self.assertEqual((tags[b"v"], tags[b"a"], tags[b"c"]), (b"1", b"rsa-sha256", b"relaxed/relaxed"))
        self.assertEqual((tags[b"d"], tags[b"s"], tags[b"t"]), (b"example.com", b"s1", b"1709210096"))

    def test_folded(self) -> None:
        """Every line is short, and ends in CRLF."""
        for kind in HEADERS:
            field = self.field(kind)
            self.assertTrue(field.endswith(b"\r\n"))
            self.assertTrue(all(len(line) <= 78 for line in field.split(b"\r\n")), kind)

    def test_signed_names(self) -> None:
        """Every instance of what is signed, from the last one up, then what is oversigned."""
        names, canonical = select_fields(HEADERS["repeated"])
        self.assertEqual(b":".join(names), b"cc:subject:to:to:subject:from:subject:from:to:subject:date")
        self.assertEqual(canonical[1:3], [b"subject:three", b"to:c@d"])
        names, _ = select_fields(HEADERS["mime"])
        for name in (
            b"mime-version",
            b"content-type",
            b"content-transfer-encoding",
            b"content-id",
            b"list-unsubscribe",
        ):
            self.assertIn(name, names)
        for name in (b"list-unsubscribe-post", b"feedback-id", b"x-message-reference"):
            self.assertIn(name, names)
        self.assertNotIn(b"x-unsigned", select_fields(HEADERS["spaces"])[0])


class KeyTests(SynchronousTestCase):
    """Keys and records."""

    def test_generated(self) -> None:
        """A new key has 2048 bits and gives a record."""
        record = public_record(generate_rsa_pem())
        self.assertTrue(record.startswith("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"), record)

    def test_unusable(self) -> None:
        """What is no key, or none for DKIM, is refused without showing it."""
        curve = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for pem in (b"", b"nonsense", PEM[:100], curve):
            with self.assertRaises(KeyUnusable) as caught:
                public_record(pem)
            self.assertNotIn("nonsense", str(caught.exception))
        self.assertNotIn("PRIVATE", repr(SIGNER) + repr(KEY))

    def test_ed25519(self) -> None:
        """With an Ed25519 key the hash of the canonical fields is signed (RFC 8463)."""
        private = Ed25519PrivateKey.generate()
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        signer = Signer.from_key(SigningKey(domain="example.com", selector="e", private_pem=pem))
        field = signer.sign(HEADERS["plain"], signer.body_hash(b"x\r\n"), 0)
        self.assertIn(b"a=ed25519-sha256;", field)
        self.assertTrue(public_record(pem).startswith("v=DKIM1; k=ed25519; p="))
        value = read_headers(field).fields[0].raw
        unsigned, signature = re.split(rb"(?<=;\r\n b=)", value)
        own = relaxed_field(b"dkim-signature", unsigned)
        canonical = b"\r\n".join([*select_fields(HEADERS["plain"])[1], own])
        raw = b64decode(signature)
        private.public_key().verify(raw, sha256(canonical).digest())
