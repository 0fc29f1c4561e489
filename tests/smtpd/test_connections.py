"""What the server must survive: too many connections."""

from attrs import evolve
from twisted.internet.address import IPv4Address
from twisted.trial.unittest import SynchronousTestCase

from tests.smtpd.support import SETTINGS, Site

MAIL = b"MAIL FROM:<a@b.example>\r\n"
RCPT = b"RCPT TO:<c@d.example>\r\n"


class Connections(SynchronousTestCase):
    FULL = b"421 4.3.2 Too many connections; try again later\r\n"

    def test_per_address(self) -> None:
        """Over the limit of one address a connection is 421 4.3.2; others come in, and who leaves makes room."""
        site = Site(settings=evolve(SETTINGS, max_connections_per_address=2))
        first, _ = site.ready(), site.ready()
        third = site.connect()
        self.assertEqual((third.hear(), third.is_closed), (self.FULL, True))
        third.hang_up()
        site.ready(host="192.0.2.2")
        first.hang_up()
        site.ready()

    def test_global(self) -> None:
        """Over the limit of all, a connection is 421 4.3.2 and close."""
        site = Site(settings=evolve(SETTINGS, max_connections=2))
        for host in ("192.0.2.1", "192.0.2.2"):
            site.ready(host=host)
        self.assertEqual(site.connect(host="192.0.2.3").hear(), self.FULL)

    def test_flood(self) -> None:
        """Far over the limit, connections are closed without a word."""
        site = Site(settings=evolve(SETTINGS, max_connections=2))
        for _ in range(4):
            site.connect()
        self.assertIsNone(site.door.factory.buildProtocol(None))

    def test_nothing_after(self) -> None:
        """Who was turned away is not listened to."""
        site = Site(settings=evolve(SETTINGS, max_connections=1))
        site.ready()
        client = site.connect()
        client.hear()
        self.assertEqual(client.say(b"EHLO x\r\n"), b"")
        site.clock.advance(1)
        self.assertEqual(client.hear(), b"")

    def test_behind_a_proxy(self) -> None:
        """Where a proxy tells the client's address later, it is the client's that counts."""
        site = Site(settings=evolve(SETTINGS, max_connections_per_address=1))
        for host in ("198.51.100.1", "198.51.100.2"):
            client = site.connect(host="192.0.2.1")
            client.transport.peerAddr = IPv4Address("TCP", host, 1)
            site.clock.advance(0)
            self.assertEqual(client.hear()[:4], b"220 ")
        client = site.connect(host="192.0.2.1")
        client.transport.peerAddr = IPv4Address("TCP", "198.51.100.1", 1)
        site.clock.advance(0)
        self.assertEqual(client.hear(), self.FULL)
