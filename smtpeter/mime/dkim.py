"""
Signs messages (DKIM, RFC 6376): rsa-sha256 or, with an Ed25519 key, ed25519-sha256 (RFC 8463); relaxed/relaxed; the
whole body.

Three steps: the hash of the body, which is the same for all recipients with the same body; what is signed of the header
block; and the signature, which alone takes long with RSA and frees the interpreter's lock, so that it may be made in a
thread.
"""

from base64 import b64encode
from hashlib import sha256

from attrs import define, field, frozen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from smtpeter.mime.canonical import read_fields, relaxed_body_hash, relaxed_field
from smtpeter.model.account import SigningKey

REFERENCE_FIELD = "X-Message-Reference"
"""Our field by which a complaint is matched with its message."""

_SIGNED = frozenset(
    (
        b"from",
        b"to",
        b"cc",
        b"reply-to",
        b"subject",
        b"date",
        b"message-id",
        b"mime-version",
        b"list-unsubscribe",
        b"list-unsubscribe-post",
        b"feedback-id",
        REFERENCE_FIELD.lower().encode(),
    )
)
_OVERSIGNED = (b"from", b"to", b"subject", b"date")
"""Listed once more than they stand there, so that none can be added (RFC 6376, 8.15)."""

_LINE = 72
_PADDING = PKCS1v15()
_HASH = SHA256()

PrivateKey = RSAPrivateKey | Ed25519PrivateKey


class KeyUnusable(ValueError):
    """The PEM holds no key that DKIM can sign with."""


@frozen(kw_only=True)
class Unsigned:
    """
    A message whose signature is still to be made.

    @ivar field: the DKIM-Signature field as far as it goes without.
    @ivar canonical: what is signed.
    """

    field: bytes
    canonical: bytes

    def complete(self, signature: bytes) -> bytes:
        """The DKIM-Signature field, folded, with its line end."""
        text = b64encode(signature)
        return (
            self.field + b"\r\n ".join([text[start : start + _LINE] for start in range(0, len(text), _LINE)]) + b"\r\n"
        )


@define(eq=False)
class Signer:
    """Signs for one domain with one key. It keeps no state, so threads may share it."""

    _domain: bytes
    _selector: bytes
    _key: PrivateKey = field(repr=False)

    @classmethod
    def from_key(cls, key: SigningKey) -> "Signer":
        """
        Make a signer; the key is read once, here. That its numbers belong together is not proven again, which would
        take 30 ms.

        @raise KeyUnusable: it cannot be read.
        """
        private = load_private_key(key.private_pem, is_proven=True)
        return cls(key.domain.encode("ascii"), key.selector.encode("ascii"), private)

    def body_hash(self, body: bytes) -> str:
        """
        The hash of a body, for L{sign}.

        @param body: what follows the empty line behind the headers, with CRLF line ends.
        """
        return b64encode(relaxed_body_hash(body)).decode("ascii")

    def sign(self, header_block: bytes, body_hash: str, now: float) -> bytes:
        """
        Sign a message.

        @param header_block: its fields as they are sent; an empty line may follow.
        @param now: POSIX seconds.
        @return: the DKIM-Signature field, folded, with its line end, to be put in front of the block.
        """
        unsigned = self.begin(header_block, body_hash, now)
        return unsigned.complete(self.signature(unsigned.canonical))

    def begin(self, header_block: bytes, body_hash: str, now: float) -> "Unsigned":
        """What L{sign} does but the signature itself; the parameters are the same."""
        names, signed = select_fields(header_block)
        unsigned = self._unsigned_field(names, body_hash, now)
        own = relaxed_field(b"dkim-signature", unsigned.partition(b":")[2])
        return Unsigned(field=unsigned, canonical=b"\r\n".join([*signed, own]))

    def signature(self, canonical: bytes) -> bytes:
        """The signature itself (RFC 6376, 3.3): 0.2 ms with an RSA key of 2048 bits, without the interpreter's lock."""
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(canonical, _PADDING, _HASH)
        return self._key.sign(sha256(canonical).digest())

    def _unsigned_field(self, names: list[bytes], body_hash: str, now: float) -> bytes:
        algorithm = b"rsa" if isinstance(self._key, RSAPrivateKey) else b"ed25519"
        return b"\r\n ".join(
            (
                b"DKIM-Signature: v=1; a=" + algorithm + b"-sha256; c=relaxed/relaxed;",
                b"d=" + self._domain + b"; s=" + self._selector + b";",
                b"t=%d;" % int(now),
                b"h=" + _folded_names(names) + b";",
                b"bh=" + body_hash.encode("ascii") + b";",
                b"b=",
            )
        )


def select_fields(header_block: bytes) -> tuple[list[bytes], list[bytes]]:
    """
    What is signed of a header block.

    @return: the names for the C{h} tag, and the fields in canonical form. A name that is there more than once stands
        for its fields from the last one up (RFC 6376, 5.4.2), so all are listed in that order.
    """
    names: list[bytes] = []
    signed: list[bytes] = []
    for name, value in reversed(read_fields(header_block)):
        if name in _SIGNED or name.startswith(b"content-"):
            names.append(name)
            signed.append(relaxed_field(name, value))
    return [*names, *_OVERSIGNED], signed


def _folded_names(names: list[bytes]) -> bytes:
    lines, line = [], b""
    for name in names:
        if line and len(line) + len(name) > _LINE:
            lines.append(line + b":")
            line = name
        else:
            line = line + b":" + name if line else name
    return b"\r\n ".join([*lines, line])


def load_private_key(private_pem: bytes, is_proven: bool = False) -> PrivateKey:
    """
    Read a private key.

    @param is_proven: whether the key is known to be sound.
    @raise KeyUnusable: it is none, or none for DKIM.
    """
    try:
        key = load_pem_private_key(private_pem, password=None, unsafe_skip_rsa_key_validation=is_proven)
    except (ValueError, TypeError):
        raise KeyUnusable("not a readable private key in PEM") from None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise KeyUnusable("DKIM signs with RSA or Ed25519 keys only")
    return key


def public_record(private_pem: bytes) -> str:
    """
    What the TXT record C{selector._domainkey.domain} must say (RFC 6376, 3.6.1).

    @raise KeyUnusable: the key cannot be read.
    """
    key = load_private_key(private_pem)
    if isinstance(key, RSAPrivateKey):
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={b64encode(public).decode('ascii')}"
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; p={b64encode(public).decode('ascii')}"


def generate_rsa_pem(bits: int = 2048) -> bytes:
    """Make a new key. It takes some tenths of a second: run it in a thread."""
    key = generate_private_key(public_exponent=65537, key_size=bits)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
