"""Loads a certificate with its chain and its key from files, and tells what is wrong with them."""

from datetime import datetime
from pathlib import Path

from attrs import field, frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

MAX_BYTES = 1 << 20


class CertificateError(Exception):
    """A certificate or its key cannot be used; the message says which file, why, and what to do."""


@frozen(kw_only=True)
class LoadedPair:
    """A certificate that belongs to its key."""

    leaf: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    """The certificates that stand behind the leaf in the file."""
    key: PrivateKeyTypes = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The DNS names that it is for, in lower case; C{*.example.com} is possible."""
        try:
            extension = self.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return ()
        return tuple(name.lower() for name in extension.value.get_values_for_type(x509.DNSName))

    @property
    def ends_at(self) -> datetime:
        """The end of its validity."""
        return self.leaf.not_valid_after_utc


def load_pair(certificate: Path, key: Path) -> LoadedPair:
    """
    Read two PEM files.

    @raise CertificateError: a file cannot be read, is no such thing, or they do not belong together.
    """
    chain = _certificates(certificate)
    private = _key(key)
    if _public_bytes(chain[0].public_key()) != _public_bytes(private.public_key()):
        raise CertificateError(f"{key} is not the key of {certificate}: check that both are of the same issue")
    return LoadedPair(leaf=chain[0], chain=tuple(chain[1:]), key=private)


def is_for(names: tuple[str, ...], hostname: str) -> bool:
    """Whether a certificate for those names is one for that host; a star stands for one label (RFC 6125, 6.4.3)."""
    return hostname in names or "*." + hostname.partition(".")[2] in names


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(path))
    except ValueError:
        raise CertificateError(f"{path} holds no PEM certificate: put the certificate and its chain there") from None


def _key(path: Path) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(_read(path), password=None)
    except TypeError:
        raise CertificateError(f"{path} is protected by a pass phrase: remove it, nobody is there to type it") from None
    except ValueError:
        raise CertificateError(f"{path} holds no PEM private key") from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES)
    except OSError as error:
        raise CertificateError(f"cannot read {path}: {error.strerror}") from None


def _public_bytes(key: CertificatePublicKeyTypes | PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
