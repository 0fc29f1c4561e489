"""Tests of the listeners, on memory reactors and one real port."""

import errno
import socket
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.assembly.listening import CannotListen, Door, Listeners


class StubbornReactor(MemoryReactor):
    """Binds nothing."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    @override
    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        """Fail as the system does."""
        raise CannotListenError(interface, port, OSError(self.number, "system says so"))


class ListenersTests(SynchronousTestCase):
    """L{Listeners}."""

    def test_bound_early(self) -> None:
        """All ports are bound while the process is privileged."""
        reactor, factory = MemoryReactor(), Factory()
        doors = [
            Door(endpoint="tcp:25", factory=factory),
            Door(endpoint="tcp:587:interface=127.0.0.1", factory=factory),
        ]
        listeners = Listeners(reactor, doors)
        self.assertEqual((reactor.tcpServers, listeners.is_bound), ([], False))
        listeners.privilegedStartService()
        self.assertTrue(listeners.is_bound)
        self.assertEqual([(server[0], server[3]) for server in reactor.tcpServers], [(25, ""), (587, "127.0.0.1")])

    def test_remedy(self) -> None:
        """A port that cannot be bound is told with what to do."""
        for number, remedy in ((errno.EACCES, "CAP_NET_BIND_SERVICE"), (errno.EADDRINUSE, "another program")):
            listeners = Listeners(StubbornReactor(number), [Door(endpoint="tcp:25", factory=Factory())])
            with self.assertRaises(CannotListen) as caught:
                listeners.privilegedStartService()
            self.assertIn("tcp:25", str(caught.exception))
            self.assertIn(remedy, str(caught.exception))

    def test_odd_endpoint(self) -> None:
        """An endpoint that Twisted does not know is told, not raised."""
        listeners = Listeners(MemoryReactor(), [Door(endpoint="carrier:pigeon", factory=Factory())])
        with self.assertRaises(CannotListen) as caught:
            listeners.privilegedStartService()
        self.assertIn("carrier:pigeon", str(caught.exception))

    def test_closed_until_open(self) -> None:
        """A port reads connections only from C{open} on."""
        said: list[str] = []

        class Port:
            def startReading(self) -> None:
                said.append("start")

            def stopReading(self) -> None:
                said.append("stop")

            def stopListening(self) -> None:
                said.append("end")

        class PortReactor(MemoryReactor):
            @override
            def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
                return Port()

        listeners = Listeners(PortReactor(), [Door(endpoint="tcp:25", factory=Factory())])
        listeners.privilegedStartService()
        self.assertEqual(said, ["stop"])
        listeners.open()
        self.assertEqual(said, ["stop", "start"])
        self.successResultOf(listeners.stopService())
        self.assertEqual(said, ["stop", "start", "end"])
        self.assertFalse(listeners.is_bound)

    def test_real_port_in_use(self) -> None:
        """A port that somebody has is found out at once, on the real reactor."""
        from twisted.internet import reactor

        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            endpoint = f"tcp:{other.getsockname()[1]}:interface=127.0.0.1"
            listeners = Listeners(reactor, [Door(endpoint=endpoint, factory=Factory())])
            with self.assertRaises(CannotListen) as caught:
                listeners.privilegedStartService()
        self.assertIn("another program", str(caught.exception))
