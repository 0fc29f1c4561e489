"""What the server must survive: silence, trickles and unread replies."""

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.smtpd.settings import Deadlines
from tests.smtpd.support import SETTINGS, Site, WireTransport

MAIL = b"MAIL FROM:<a@b.example>\r\n"
RCPT = b"RCPT TO:<c@d.example>\r\n"


class Time(SynchronousTestCase):
    DEADLINES = Deadlines(handshake=20, command=60, data=30, octets_per_second=100, reading=40, closing=5)

    def site(self) -> Site:
        """One with short deadlines."""
        return Site(settings=evolve(SETTINGS, deadlines=self.DEADLINES, max_message_size=10_000))

    def test_silence(self) -> None:
        """A client that says nothing is 421 4.4.2 after the deadline for a command."""
        site = self.site()
        client = site.ready()
        site.clock.advance(59.9)
        self.assertEqual(client.hear(), b"")
        site.clock.advance(0.1)
        self.assertEqual((client.hear()[:9], client.is_closed), (b"421 4.4.2", True))

    def test_trickle_of_a_command(self) -> None:
        """Bytes that trickle in do not extend the deadline of a command."""
        site = self.site()
        client = site.ready()
        for _ in range(59):
            site.clock.advance(1)
            client.say(b"N")
        site.clock.advance(1)
        self.assertEqual(client.hear()[:9], b"421 4.4.2")

    def test_busy_client(self) -> None:
        """Every answered command begins a new turn."""
        site = self.site()
        client = site.ready()
        for _ in range(10):
            site.clock.advance(50)
            self.assertEqual(client.say(b"NOOP\r\n"), b"250 2.0.0 Ok\r\n")

    def test_trickle_of_data(self) -> None:
        """A message that comes slower than the minimum rate is given up; one that keeps it is not."""
        for octets, is_slow in ((120, False), (1, True)):
            site = self.site()
            client, heard = site.in_data(), b""
            for _ in range(60):
                site.clock.advance(1)
                heard += client.say(b"x" * octets)
            self.assertEqual(client.is_closed, is_slow)
            self.assertEqual(heard[:9], b"421 4.4.2" if is_slow else b"")

    def test_endless_data(self) -> None:
        """A message that never ends earns no time for ever."""
        site = self.site()
        client = site.in_data()
        for _ in range(100):
            site.clock.advance(10)
            client.say(b"x" * 10_000)
        self.assertTrue(client.is_closed)

    def test_our_turn(self) -> None:
        """While intake works, the client's deadlines stand still."""
        site = self.site()
        site.intake.gate = gate = Deferred[None]()
        client = site.in_data()
        client.say(b"x\r\n.\r\n")
        site.clock.pump([60] * 20)
        gate.callback(None)
        self.assertEqual(client.hear()[:9], b"250 2.0.0")
        site.clock.advance(59)
        self.assertFalse(client.is_closed)

    def test_handshake(self) -> None:
        """A TLS handshake that does not end is given up."""
        site = self.site()
        protocol = site.door.factory.buildProtocol(None)
        assert protocol is not None
        transport = WireTransport("192.0.2.1", is_encrypted=True)
        protocol.makeConnection(transport)
        site.clock.advance(20)
        self.assertTrue(transport.disconnecting)

    def test_unread_replies(self) -> None:
        """A client that does not read its replies gets no more of them, and is dropped after the deadline."""
        site = self.site()
        client = site.ready()
        client.protocol.pauseProducing()
        self.assertEqual(client.transport.producerState, "paused")
        self.assertEqual(client.say(b"NOOP\r\n" * 10), b"")
        site.clock.advance(40)
        self.assertTrue(client.transport.is_aborted)

    def test_read_at_last(self) -> None:
        """Once it reads, commands are answered again."""
        site = self.site()
        client = site.ready()
        client.protocol.pauseProducing()
        client.say(b"NOOP\r\nNOOP\r\n")
        site.clock.advance(39)
        client.protocol.resumeProducing()
        self.assertEqual(client.hear(), b"250 2.0.0 Ok\r\n" * 2)
        site.clock.advance(59)
        self.assertFalse(client.transport.is_aborted or client.is_closed)
        self.assertEqual(client.transport.producerState, "producing")

    def test_time_after_reading(self) -> None:
        """The time in which replies could not be sent is not the client's."""
        site = self.site()
        client = site.ready()
        site.clock.advance(30)
        client.protocol.pauseProducing()
        site.clock.advance(39)
        client.protocol.resumeProducing()
        site.clock.advance(59)
        self.assertFalse(client.is_closed)
        site.clock.advance(1)
        self.assertTrue(client.is_closed)

    def test_bounded_output(self) -> None:
        """The transport tells when too much waits to be sent: the session is its producer while it is open."""
        client = Site().ready()
        self.assertIs(client.transport.producer, client.protocol)
        self.assertTrue(client.transport.streaming)
        client.say(b"QUIT\r\n")
        self.assertIsNone(client.transport.producer)

    def test_closing(self) -> None:
        """A connection that does not end after our last reply is cut."""
        site = self.site()
        client = site.ready()
        client.say(b"QUIT\r\n")
        site.clock.advance(4.9)
        self.assertFalse(client.transport.is_aborted)
        site.clock.advance(0.1)
        self.assertTrue(client.transport.is_aborted)

    def test_no_timer_is_left_by_work(self) -> None:
        """Nor when work ends after the connection did; nothing is said to it either."""
        site = self.site()
        site.intake.gate = gate = Deferred[None]()
        client = site.in_data()
        client.say(b"x\r\n.\r\n")
        client.hang_up()
        said = len(client.transport.writes)
        gate.callback(None)
        self.assertEqual((site.clock.getDelayedCalls(), len(client.transport.writes)), ([], said))
        self.assertEqual(len(site.intake.drafts), 1)

    def test_sooner_deadline(self) -> None:
        """A deadline that came nearer (DATA has less time than a command) is noticed within half a minute."""
        site = Site(settings=evolve(SETTINGS, deadlines=evolve(self.DEADLINES, command=600)))
        client = site.logged_in()
        site.clock.pump([1] * 60)
        self.assertIn(b"354 ", client.say(MAIL + RCPT + b"DATA\r\n"))
        site.clock.pump([1] * 60)
        self.assertEqual((client.hear()[:9], client.is_closed), (b"421 4.4.2", True))

    def test_no_timer_is_left(self) -> None:
        """When the connection is gone, nothing waits for it."""
        site = self.site()
        for client in (site.connect(), site.ready(), site.in_data()):
            client.hang_up()
        self.assertEqual(site.clock.getDelayedCalls(), [])
