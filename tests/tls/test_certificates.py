"""Certificates in use: handshakes, reload, names."""

import os
import ssl
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.tls.certificates import CertificateFiles, Certificates
from smtpeter.tls.pair import CertificateError, load_pair
from smtpeter.tls.selfsigned import make_self_signed

NOW = 1_790_000_000.0


def write_pair(certificate: Path, key: Path, name: str, serial: int = 1) -> None:
    """Put a new self-signed certificate there."""
    pair = make_self_signed(name, NOW, lambda size: serial.to_bytes(size, "big"))
    certificate.write_bytes(pair.certificate)
    key.write_bytes(pair.key)


class Talk:
    """A handshake in memory between Twisted's TLS and Python's own client."""

    def __init__(
        self,
        creator: Certificates | CertificateOptions,
        context: ssl.SSLContext,
        name: str = "mail.example.com",
        session: ssl.SSLSession | None = None,
    ) -> None:
        self.server = Protocol()
        self.clock = Clock()
        factory = TLSMemoryBIOFactory(creator, False, Factory.forProtocol(lambda: self.server), self.clock)
        self.transport = StringTransportWithDisconnection()
        self.transport.protocol = self.tls = factory.buildProtocol(IPv4Address("TCP", "192.0.2.1", 1))
        self.tls.makeConnection(self.transport)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name, session=session)
        while not self.is_done(self.client.do_handshake):
            self.pass_on()
        self.pass_on()
        self.say(b"x")

    def is_done(self, work: Callable[[], object]) -> bool:
        """Work; C{False} when it wants more from the server."""
        try:
            work()
        except ssl.SSLWantReadError:
            return False
        return True

    def pass_on(self) -> None:
        """Carry the bytes over."""
        sent = self.outgoing.read()
        if sent:
            self.tls.dataReceived(sent)
        answer = self.transport.value()
        self.transport.clear()
        self.incoming.write(answer)
        if not self.transport.connected:
            self.incoming.write_eof()

    def say(self, content: bytes) -> None:
        """The server says something, and the client must read it."""
        assert self.server.transport is not None
        self.server.transport.write(content)
        # Small writes are gathered until the reactor's next turn.
        self.clock.advance(0)
        self.pass_on()
        assert self.client.read(len(content)) == content


def client_context(version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A client that takes any certificate, and speaks one version only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


class CertificatesTests(SynchronousTestCase):
    """A server's certificates."""

    @override
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.certificate, self.key = self.folder / "cert.pem", self.folder / "key.pem"
        write_pair(self.certificate, self.key, "mail.example.com")
        self.certificates = Certificates(CertificateFiles(certificate=self.certificate, key=self.key))

    def talk(
        self,
        context: ssl.SSLContext | None = None,
        name: str = "mail.example.com",
        session: ssl.SSLSession | None = None,
        certificates: Certificates | None = None,
    ) -> Talk:
        """Shake hands."""
        return Talk(certificates or self.certificates, context or client_context(), name, session)

    def presented(self, name: str = "mail.example.com", certificates: Certificates | None = None) -> int:
        """The serial number of the certificate that a client sees, without what is the same in all."""
        raw = self.talk(name=name, certificates=certificates).client.getpeercert(binary_form=True)
        assert raw is not None
        return x509.load_der_x509_certificate(raw).serial_number - (1 << 120)

    def change(self, path: Path, content: bytes) -> None:
        """Write a file so that its time of change differs for certain."""
        path.write_bytes(content)
        later = path.stat().st_mtime_ns + 1_000_000_000
        os.utime(path, ns=(later, later))

    def test_trusted(self) -> None:
        """A client that is given the self-signed certificate verifies it and the host name, strictly."""
        self.certificates.load()
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        self.assertEqual(self.talk(context).client.version(), "TLSv1.3")

    def test_versions(self) -> None:
        """TLS 1.2 is the least."""
        self.certificates.load()
        self.assertEqual(self.talk(client_context(ssl.TLSVersion.TLSv1_2)).client.version(), "TLSv1.2")
        old = client_context()
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        self.assertRaises(ssl.SSLError, self.talk, old)

    def test_no_alpn(self) -> None:
        """A client that offers protocols gets none, where with Twisted's own options the handshake fails."""
        self.certificates.load()
        context = client_context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        self.assertRaises(ssl.SSLError, Talk, self.stock(), context)
        self.assertIsNone(self.talk(context).client.selected_alpn_protocol())

    def test_resumption(self) -> None:
        """A client that comes back resumes its session, where Twisted's own options make a full handshake."""
        self.certificates.load()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = client_context(version)
            first = self.talk(context).client
            self.assertFalse(first.session_reused)
            self.assertTrue(self.talk(context, session=first.session).client.session_reused)

    def stock(self) -> CertificateOptions:
        """C{CertificateOptions} as it comes."""
        ours = self.certificates._options
        assert ours is not None
        return CertificateOptions(privateKey=ours.privateKey, certificate=ours.certificate)

    def test_stock_does_not_resume(self) -> None:
        """C{CertificateOptions} as it comes resumes nothing."""
        self.certificates.load()
        stock = self.stock()
        context = client_context(ssl.TLSVersion.TLSv1_3)
        first = Talk(stock, context)
        second = Talk(stock, context, session=first.client.session)
        self.assertFalse(second.client.session_reused)

    def test_reload(self) -> None:
        """New files are presented after a reload, not before; what exists goes on."""
        self.certificates.load()
        old = self.talk()
        write_pair(self.certificate, self.key, "mail.example.com", 2)
        self.assertEqual(self.presented(), 1)
        self.assertTrue(self.certificates.reload())
        self.assertEqual(self.presented(), 2)
        old.say(b"y")

    def test_broken_reload(self) -> None:
        """Broken files are logged, and the old ones stay in use until whole ones come."""
        self.certificates.load()
        self.change(self.certificate, b"half a certif")
        self.assertFalse(self.certificates.reload())
        self.assertEqual(self.presented(), 1)
        write_pair(self.certificate, self.key, "mail.example.com", 3)
        self.assertTrue(self.certificates.refresh())
        self.assertEqual(self.presented(), 3)

    def test_refresh(self) -> None:
        """Only a change leads to a reload; a broken change is tried once and not at every look."""
        self.certificates.load()
        self.assertFalse(self.certificates.refresh())
        whole = self.certificate.read_bytes()
        self.change(self.certificate, b"")
        self.assertFalse(self.certificates.refresh())
        stamp = self.certificates._stamp
        self.assertFalse(self.certificates.refresh())
        self.assertEqual(self.certificates._stamp, stamp)
        self.change(self.certificate, whole + b"\n")
        self.assertTrue(self.certificates.refresh())
        self.certificate.unlink()
        self.assertFalse(self.certificates.refresh())
        self.assertEqual(self.presented(), 1)

    def test_nothing_loaded(self) -> None:
        """Without certificates a connection is a fault of ours, said in words."""
        self.assertRaises(CertificateError, self.talk)

    def test_names(self) -> None:
        """A client gets the certificate of the name that it asks for, exact before star, else the default."""
        more = self.folder / "more"
        more.mkdir()
        write_pair(more / "a.pem", more / "a.key", "shop.example", 10)
        write_pair(more / "b.pem", more / "b.key", "*.shop.example", 11)
        write_pair(more / "c.pem", more / "c.key", "mail.example.com", 12)
        (more / "README").write_text("nothing")
        named = Certificates(CertificateFiles(certificate=self.certificate, key=self.key, folder=more))
        named.load()
        expected = {
            "shop.example": 10,
            "SHOP.example": 10,
            "clicks.shop.example": 11,
            "a.clicks.shop.example": 1,
            "mail.example.com": 1,
            "other.example": 1,
        }
        self.assertEqual({name: self.presented(name, named) for name in expected}, expected)
        write_pair(more / "d.pem", more / "d.key", "new.example", 13)
        self.assertTrue(named.refresh())
        self.assertEqual(self.presented("new.example", named), 13)

    def test_folder_is_missing(self) -> None:
        """A folder that is named and not there is told."""
        files = CertificateFiles(certificate=self.certificate, key=self.key, folder=self.folder / "none")
        self.assertIn("none", str(self.assertRaises(CertificateError, Certificates(files).load)))


class PairTests(SynchronousTestCase):
    """Reading a certificate with its key."""

    @override
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.certificate, self.key = self.folder / "cert.pem", self.folder / "key.pem"
        write_pair(self.certificate, self.key, "mail.example.com")

    def refused(self) -> str:
        """Why the pair is not accepted; the key is not in it."""
        return str(self.assertRaises(CertificateError, load_pair, self.certificate, self.key))

    def test_chain(self) -> None:
        """What stands behind the first certificate is its chain."""
        write_pair(self.folder / "ca.pem", self.folder / "ca.key", "ca.example", 9)
        with self.certificate.open("ab") as file:
            file.write((self.folder / "ca.pem").read_bytes())
        pair = load_pair(self.certificate, self.key)
        self.assertEqual((pair.names, len(pair.chain)), (("mail.example.com",), 1))
        self.assertNotIn("PrivateKey", repr(pair))

    def test_missing(self) -> None:
        """A missing file is named."""
        self.key.unlink()
        self.assertIn(f"cannot read {self.key}: No such file", self.refused())

    def test_exchanged(self) -> None:
        """A key in place of the certificate, and the other way round, is told."""
        content = self.certificate.read_bytes()
        self.certificate.write_bytes(self.key.read_bytes())
        self.assertIn("holds no PEM certificate", self.refused())
        self.certificate.write_bytes(content)
        self.key.write_bytes(content)
        self.assertIn("holds no PEM private key", self.refused())

    def test_foreign_key(self) -> None:
        """A key of another certificate is refused."""
        write_pair(self.folder / "other.pem", self.key, "other.example")
        self.assertIn("is not the key of", self.refused())
