"""DKIM keys of sender domains, and the DNS record that publishes them (RFC 6376, 3.6.1)."""

from attrs import frozen

from smtpeter.mime.dkim import generate_rsa_pem, public_record
from smtpeter.model.account import SigningKey

FIRST_SELECTOR = "zero"
KEY_BITS = 2048

_MAX_STRING = 255
"""Octets of one character-string in a TXT record (RFC 1035, 3.3.14)."""


@frozen(kw_only=True)
class DNSRecord:
    """What somebody has to publish."""

    name: str
    type: str
    value: str
    """As one text. A TXT record over 255 octets goes into a zone as L{quoted}."""

    @property
    def quoted(self) -> str:
        """The value as a zone file wants it (RFC 1035, 5.1)."""
        if self.type != "TXT":
            return self.value
        return " ".join(f'"{self.value[at : at + _MAX_STRING]}"' for at in range(0, len(self.value), _MAX_STRING))


def generate_private_key() -> bytes:
    """A new RSA key as PEM (PKCS 8). It takes some 0.1 s of processor time: not in the reactor's thread."""
    return generate_rsa_pem(KEY_BITS)


def key_record(key: SigningKey) -> DNSRecord:
    """The TXT record of a key's public half."""
    name = f"{key.selector}._domainkey.{key.domain}"
    return DNSRecord(name=name, type="TXT", value=public_record(key.private_pem))
