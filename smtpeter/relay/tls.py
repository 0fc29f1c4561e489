"""
Makes the client's side of TLS for a host.

Opportunistic TLS (RFC 7435) takes any certificate: without it the mail would go in clear. C{verify} wants one of that
name from an authority that the system trusts.
"""

from collections.abc import Callable, Iterable

from OpenSSL.SSL import Connection, Context
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from smtpeter.relay.routes import TLSMode

TLSFor = Callable[[str, TLSMode], IOpenSSLClientConnectionCreator]
"""Gives what C{startTLS} wants for a host name, or an IP address, under a mode."""


@implementer(IOpenSSLClientConnectionCreator)
class AnyCertificate:
    """Encrypts, and tells the name of the host that is wanted (RFC 6066, 3), and believes what it gets."""

    def __init__(self, context: Context, hostname: str) -> None:
        self._context = context
        self._hostname = hostname

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Connection:
        """Called by Twisted."""
        connection = Connection(self._context, None)
        if not isIPAddress(self._hostname) and not isIPv6Address(self._hostname):
            connection.set_tlsext_host_name(self._hostname.encode("ascii"))
        return connection


def tls_source(trusted: Iterable[Certificate] = ()) -> TLSFor:
    """
    What makes TLS for hosts.

    @param trusted: authorities to believe instead of the system's.
    """
    authorities = tuple(trusted)
    roots = trustRootFromCertificates(authorities) if authorities else platformTrust()
    unverified = CertificateOptions(verify=False).getContext()

    def tls_for(hostname: str, mode: TLSMode) -> IOpenSSLClientConnectionCreator:
        name = hostname.strip("[]")
        name = name[5:] if name.lower().startswith("ipv6:") else name
        if mode == "verify":
            return optionsForClientTLS(name, trustRoot=roots)
        return AnyCertificate(unverified, name)

    return tls_for
