"""Tests of L{smtpeter.prompt}."""

from typing import Any

from OpenSSL.SSL import Context
from twisted.internet.abstract import FileDescriptor
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReactorFDSet
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.testing import MemoryReactor, StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override
from zope.interface import implementer

from smtpeter.prompt import hasten, write_now


@implementer(IReactorFDSet)
class _Reactor(MemoryReactor):
    """Knows who waits to write."""


class _Socket(FileDescriptor):
    """A transport whose socket takes so many octets at a time, or is broken."""

    def __init__(self, takes: int = 100_000, is_broken: bool = False) -> None:
        self.hub = _Reactor()
        super().__init__(self.hub)
        self.connected = 1
        self.takes, self.is_broken = takes, is_broken
        self.sent: list[bytes] = []

    @override
    def writeSomeData(self, data: bytes) -> Any:
        """Take them."""
        if self.is_broken:
            return ConnectionLost()
        self.sent.append(bytes(data[: self.takes]))
        return len(self.sent[-1])

    @property
    def is_watched(self) -> bool:
        """Whether the reactor is to tell when the socket takes more."""
        return self in self.hub.getWriters()


class WriteTests(SynchronousTestCase):
    """In clear."""

    def test_at_once(self) -> None:
        """What is written is sent before the call returns, and the reactor is not asked."""
        socket = _Socket()
        write_now(socket, b"250 Ok\r\n")
        self.assertEqual((socket.sent, socket.is_watched), ([b"250 Ok\r\n"], False))

    def test_full(self) -> None:
        """What the socket does not take goes out when it does, in order."""
        socket = _Socket(takes=4)
        write_now(socket, b"250 Ok\r\n")
        write_now(socket, b"221 Bye\r\n")
        self.assertEqual((socket.sent, socket.is_watched), ([b"250 "], True))
        socket.takes = 1000
        socket.doWrite()
        self.assertEqual((b"".join(socket.sent), socket.is_watched), (b"250 Ok\r\n221 Bye\r\n", False))

    def test_halfway(self) -> None:
        """Nothing overtakes the rest of something that is halfway out."""
        socket = _Socket(takes=4)
        write_now(socket, b"250 Ok\r\n")
        socket.doWrite()
        socket.takes = 1
        socket.write(b"--")
        socket.doWrite()
        write_now(socket, b"221 Bye\r\n")
        socket.takes = 1000
        while socket.is_watched:
            socket.doWrite()
        self.assertEqual(b"".join(socket.sent), b"250 Ok\r\n--221 Bye\r\n")

    def test_broken(self) -> None:
        """That a connection has failed is left to the reactor to find."""
        socket = _Socket(is_broken=True)
        write_now(socket, b"250 Ok\r\n")
        self.assertTrue(socket.is_watched)

    def test_lost(self) -> None:
        """A connection that is lost, or was closed for writing, is not written to."""
        for name, value in (("connected", 0), ("_writeDisconnected", True)):
            socket = _Socket()
            setattr(socket, name, value)
            write_now(socket, b"250 Ok\r\n")
            self.assertEqual((socket.sent, socket.is_watched), ([], False))

    def test_no_socket(self) -> None:
        """A transport that is no socket is written to as ever."""
        transport = StringTransport()
        hasten(transport)
        write_now(transport, b"250 Ok\r\n")
        self.assertEqual(transport.value(), b"250 Ok\r\n")


class TLSTests(SynchronousTestCase):
    """Over TLS; what goes through it is what every functional test uses."""

    @override
    def setUp(self) -> None:
        self.socket = _Socket()
        options: Any = optionsForClientTLS("host.example")
        factory = TLSMemoryBIOFactory(options, True, Factory.forProtocol(Protocol))
        self.tls: Any = TLSMemoryBIOProtocol(factory, Protocol())
        self.tls.makeConnection(self.socket)
        self.socket.doWrite()
        self.socket.sent.clear()

    def test_at_once(self) -> None:
        """What TLS has to say of itself is sent in the same call, once the connection was hastened, even twice."""
        hasten(self.tls)
        hasten(self.tls)
        self.tls.transport.write(b"record")
        self.assertEqual((self.socket.sent, self.socket.is_watched), ([b"record"], False))

    def test_unhastened(self) -> None:
        """Without that, it waits for the reactor."""
        self.tls.transport.write(b"record")
        self.assertEqual((self.socket.sent, self.socket.is_watched), ([], True))

    def test_full(self) -> None:
        """What the socket does not take follows."""
        hasten(self.tls)
        self.socket.takes = 3
        self.tls.transport.write(b"record")
        self.assertEqual((self.socket.sent, self.socket.is_watched), ([b"rec"], True))
        self.socket.doWrite()
        self.assertEqual(b"".join(self.socket.sent), b"record")

    def test_everything_else(self) -> None:
        """The transport's other sides are as before."""
        hasten(self.tls)
        self.tls.transport.loseConnection()
        self.assertTrue(self.socket.disconnecting)

    def test_context(self) -> None:
        """It is a connection of OpenSSL still."""
        hasten(self.tls)
        self.assertIsInstance(self.tls.getHandle().get_context(), Context)
