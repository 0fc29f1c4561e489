"""
The server's certificates as one TLS context factory that can be reloaded while connections use it.

The C{tls:} endpoint of Twisted never reads a renewed certificate, and C{CertificateOptions} resumes no session unless
told to. Here one object is given to all listeners and to STARTTLS; what it holds is exchanged as a whole, and only for
something that works. Connections that exist keep their context.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import define, field, frozen
from OpenSSL.crypto import X509, PKey
from OpenSSL.SSL import NO_OVERLAPPING_PROTOCOLS, Connection, Context
from OpenSSL.SSL import Error as SSLError
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.ssl import CertificateOptions, TLSVersion
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from smtpeter.tls.pair import CertificateError, LoadedPair, is_for, load_pair

Stamp = tuple[tuple[str, int, int], ...]
"""Path, time of change in nanoseconds and size of each file."""


@frozen(kw_only=True)
class CertificateFiles:
    """
    Where certificates are.

    @ivar folder: for each further name a pair C{NAME.pem} (with its chain) and C{NAME.key}; the names that count are
        those in the certificate.
    """

    certificate: Path
    key: Path
    folder: Path | None = None

    def pairs(self) -> list[tuple[Path, Path]]:
        """
        Certificate and key files, the default first.

        @raise CertificateError: the folder cannot be read.
        """
        found = [(self.certificate, self.key)]
        if self.folder is not None:
            try:
                found += [(path, path.with_suffix(".key")) for path in sorted(self.folder.iterdir()) if _is_pem(path)]
            except OSError as error:
                raise CertificateError(f"cannot read {self.folder}: {error.strerror}") from None
        return found


@implementer(IOpenSSLServerConnectionCreator)
@define(eq=False)
class Certificates:
    """
    Gives each TLS connection its context. L{reload} must have succeeded once before the first connection.

    TLS 1.2 is the least, session tickets are on, there is no ALPN.
    """

    _files: CertificateFiles
    _options: CertificateOptions | None = field(init=False, default=None)
    _stamp: Stamp = field(init=False, default=())
    _log: Logger = field(init=False, factory=Logger)

    def load(self) -> None:
        """
        Read the files and use them from now on.

        @raise CertificateError: they cannot be used; what was in use stays in use.
        """
        # The stamp is taken first: a file that changes while it is read is read once more.
        stamp = self._changes()
        self._stamp = stamp
        self._options = make_options([load_pair(*pair) for pair in self._files.pairs()])

    def reload(self) -> bool:
        """
        Read the files; when they are broken, say so in the log and go on with what is in use.

        @return: whether the files are in use now.
        """
        try:
            self.load()
        except CertificateError as error:
            self._log.error("the old certificates stay in use: {reason}", reason=str(error))
            return False
        self._log.info("certificates loaded from {path}", path=str(self._files.certificate))
        return True

    def refresh(self) -> bool:
        """
        L{reload} if a file has changed since the last time; to be called now and then.

        @return: whether new files came into use.
        """
        try:
            is_changed = self._changes() != self._stamp
        except CertificateError:
            is_changed = True
        return is_changed and self.reload()

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Connection:
        """Called by Twisted for each connection."""
        if self._options is None:
            raise CertificateError("no certificate was loaded")
        connection: Connection = self._options.serverConnectionForTLS(tlsProtocol)
        return connection

    def _changes(self) -> Stamp:
        return tuple(_stamp_of(path) for pair in self._files.pairs() for path in pair)


def make_options(pairs: Sequence[LoadedPair]) -> CertificateOptions:
    """
    A context factory that answers with the certificate of the name that the client asks for, else with the first.

    @raise CertificateError: OpenSSL will not use one of them.
    """
    contexts = [(pair.names, _context(_options(pair))) for pair in pairs[1:]]
    by_name = {name: context for names, context in reversed(contexts) for name in names}
    options = _options(pairs[0], by_name)
    _context(options)
    return options


def _context(options: CertificateOptions) -> Context:
    """The context, made now and not at the first connection."""
    try:
        context: Context = options.getContext()
    except SSLError as error:
        raise CertificateError(f"OpenSSL refuses a certificate: {error}; a key may be too short") from None
    # Twisted answers an offer of other protocols with an empty one, at which the handshake fails.
    context.set_alpn_select_callback(lambda _connection, _offered: NO_OVERLAPPING_PROTOCOLS)
    return context


def _options(pair: LoadedPair, by_name: Mapping[str, Context] | None = None) -> CertificateOptions:
    def context_for(name: bytes | None) -> Context | None:
        asked = (name or b"").decode("ascii", "replace").lower()
        if not by_name or is_for(pair.names, asked):
            return None
        return by_name.get(asked) or by_name.get("*." + asked.partition(".")[2])

    return CertificateOptions(
        privateKey=PKey.from_cryptography_key(pair.key),  # type: ignore[arg-type]
        certificate=X509.from_cryptography(pair.leaf),
        extraCertChain=[X509.from_cryptography(certificate) for certificate in pair.chain],
        insecurelyLowerMinimumTo=TLSVersion.TLSv1_2,
        enableSessionTickets=True,
        contextForServerName=context_for if by_name else None,
    )


def _is_pem(path: Path) -> bool:
    return path.suffix == ".pem"


def _stamp_of(path: Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), status.st_mtime_ns, status.st_size
