"""Self-signed certificates."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.tls.selfsigned import VALID_DAYS, make_self_signed

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class SelfSignedTests(SynchronousTestCase):
    """What is in a new certificate."""

    def test_content(self) -> None:
        """ECDSA P-256, the name as subjectAltName, no authority, the serial of the chance that was given."""
        pair = make_self_signed("mail.example.com", NOW.timestamp(), lambda size: b"\xff" * size)
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        key = load_pem_private_key(pair.key, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self.assertEqual(key.curve.name, "secp256r1")
        self.assertEqual(certificate.public_key(), key.public_key())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.assertEqual(names.get_values_for_type(x509.DNSName), ["mail.example.com"])
        self.assertFalse(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
        self.assertEqual(certificate.serial_number, int.from_bytes(b"\1" + b"\xff" * 15, "big"))
        self.assertEqual(certificate.issuer, certificate.subject)
        certificate.verify_directly_issued_by(certificate)

    def test_validity(self) -> None:
        """Valid a day before now, since clocks differ, and for years."""
        certificate = x509.load_pem_x509_certificate(make_self_signed("a.example", NOW.timestamp(), bytes).certificate)
        self.assertEqual((NOW - certificate.not_valid_before_utc).days, 1)
        self.assertEqual((certificate.not_valid_after_utc - NOW).days, VALID_DAYS)

    def test_long_name(self) -> None:
        """A host name longer than a common name may be is possible."""
        name = ".".join(["a" * 50] * 4)
        certificate = x509.load_pem_x509_certificate(make_self_signed(name, NOW.timestamp(), bytes).certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.assertEqual(names.get_values_for_type(x509.DNSName), [name])

    def test_key_is_hidden(self) -> None:
        """No repr shows the key."""
        self.assertNotIn("PRIVATE", repr(make_self_signed("a.example", NOW.timestamp(), bytes)))
