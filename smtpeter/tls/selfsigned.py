"""Makes a self-signed certificate, with which a new server can start before it has a real one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from attrs import field, frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS = 3650
"""Nobody renews it automatically, so it lasts; whoever checks certificates does not trust it for a day."""

_MAX_COMMON_NAME = 64


@frozen(kw_only=True)
class KeyPair:
    """A certificate and its key as PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


def make_self_signed(hostname: str, now: float, chance: Callable[[int], bytes]) -> KeyPair:
    """
    Make an ECDSA P-256 key and a certificate for one host name, which stands in its subjectAltName (RFC 6125).

    @param hostname: A-labels.
    @param now: POSIX seconds; it is valid from a day before, since clocks differ.
    @param chance: gives so many random bytes, for the serial number (RFC 5280, 4.1.2.2).
    """
    key = ec.generate_private_key(ec.SECP256R1())
    start = datetime.fromtimestamp(now, UTC).replace(microsecond=0)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname[:_MAX_COMMON_NAME])])
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=int.from_bytes(b"\1" + chance(15), "big"),
        not_valid_before=start - timedelta(days=1),
        not_valid_after=start + timedelta(days=VALID_DAYS),
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = _extended(builder, hostname).add_extension(identifier, critical=False).sign(key, SHA256())
    return KeyPair(
        certificate=certificate.public_bytes(Encoding.PEM),
        key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def _extended(builder: x509.CertificateBuilder, hostname: str) -> x509.CertificateBuilder:
    return (
        builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(hostname)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
