"""Closing the door."""

from collections.abc import Callable

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.mail.smtp import ESMTP, SMTPFactory
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override
from zope.interface import Interface

from smtpeter.auth.realm import SenderRealm
from tests.smtpd.support import BOUNCE, SETTINGS, Site, WireClient

GOODBYE = b"421 4.3.2 The server is shutting down; try again later\r\n"


class Shape(SynchronousTestCase):
    def test_subclasses(self) -> None:
        """The factory and its protocols are those of twisted.mail, with the portal and the challengers."""
        site = Site()
        protocol = site.door.factory.buildProtocol(None)
        self.assertIsInstance(site.door.factory, SMTPFactory)
        assert isinstance(protocol, ESMTP)
        self.assertIs(protocol.portal, site.premises.portal)
        self.assertEqual(list(protocol.challengers), [b"PLAIN", b"LOGIN"])

    def test_logout(self) -> None:
        """When the connection is gone, the avatar is logged out, once."""
        site, gone = Site(), list[str]()
        realm = SenderRealm(site.directory)

        class CountingRealm(SenderRealm):
            @override
            async def _find(self, avatar_id: bytes | tuple[()]) -> tuple[type[Interface], object, Callable[[], None]]:
                interface, avatar, _ = await realm._find(avatar_id)
                return interface, avatar, lambda: gone.append("out")

        site.premises.portal.realm = CountingRealm(site.directory)
        client = site.logged_in()
        self.assertEqual(gone, [])
        client.hang_up()
        self.assertEqual(gone, ["out"])


class Draining(SynchronousTestCase):
    @override
    def setUp(self) -> None:
        self.site = Site()

    def drain(self) -> Deferred[None]:
        """Close the door, and wait for a minute."""
        return Deferred.fromCoroutine(self.site.door.drain(60))

    def leave(self, client: WireClient, *answers: bytes) -> None:
        """A client hears that and is gone."""
        self.assertEqual(client.hear(), b"".join(answers))
        self.assertTrue(client.is_closed)
        client.hang_up()

    def test_nobody(self) -> None:
        """Without sessions it is over at once, and no timer is left."""
        self.assertIsNone(self.successResultOf(self.drain()))
        self.assertEqual(self.site.clock.getDelayedCalls(), [])

    def test_client_that_does_not_close(self) -> None:
        """A client that does not take the end of the connection holds the stop up for two seconds, not for ten."""
        for is_draining, seconds in ((True, 2), (False, 10)):
            client = self.site.logged_in()
            if is_draining:
                drained = self.drain()
            else:
                client.say(b"QUIT\r\n")
            self.site.clock.advance(seconds - 0.1)
            self.assertFalse(client.transport.is_aborted)
            self.site.clock.advance(0.1)
            self.assertTrue(client.transport.is_aborted)
            client.hang_up()
            self.site.premises.is_draining = False
        self.successResultOf(drained)

    def test_idle(self) -> None:
        """Idle sessions hear 421 4.3.2, whether greeted, logged in or with a transaction that has no message yet."""
        clients = [self.site.greeted(), self.site.logged_in(), self.site.ready(), self.site.connect()]
        clients[2].say(b"MAIL FROM:<>\r\n")
        drained = self.drain()
        for client in clients:
            self.assertNoResult(drained)
            self.leave(client, GOODBYE)
        self.successResultOf(drained)
        self.assertEqual(self.site.clock.getDelayedCalls(), [])

    def test_in_data(self) -> None:
        """A message in reception is finished, stored and acknowledged; then the session ends."""
        client = self.site.in_data()
        client.say(b"one")
        drained = self.drain()
        self.assertEqual(client.hear(), b"")
        client.protocol.dataReceived(b"\r\n.\r\nMAIL FROM:<a@b.example>\r\n")
        self.leave(client, b"250 2.0.0 Ok: queued as id000000000000000001\r\n", GOODBYE)
        self.successResultOf(drained)
        self.assertEqual(len(self.site.intake.drafts), 1)

    def test_in_storage(self) -> None:
        """A message that is being stored is acknowledged before the session ends."""
        self.site.intake.gate = gate = Deferred[None]()
        client = self.site.in_data()
        client.say(b"one\r\n.\r\n")
        drained = self.drain()
        self.assertEqual(client.hear(), b"")
        gate.callback(None)
        self.leave(client, b"250 2.0.0 Ok: queued as id000000000000000001\r\n", GOODBYE)
        self.successResultOf(drained)

    def test_in_storage_without_client(self) -> None:
        """The door waits for a message that is being stored although its client has gone."""
        self.site.intake.gate = gate = Deferred[None]()
        client = self.site.in_data()
        client.say(b"one\r\n.\r\n")
        client.hang_up()
        drained = self.drain()
        self.assertNoResult(drained)
        gate.callback(None)
        self.successResultOf(drained)
        self.assertEqual(len(self.site.intake.drafts), 1)

    def test_in_lookup(self) -> None:
        """A command in work is answered before the session ends."""
        self.site.intake.lookup_gate = gate = Deferred[None]()
        client = self.site.ready()
        client.say(b"MAIL FROM:<>\r\nRCPT TO:<" + BOUNCE.encode() + b">\r\nDATA\r\n")
        drained = self.drain()
        gate.callback(None)
        self.leave(client, b"250 2.1.5 Ok\r\n", GOODBYE)
        self.successResultOf(drained)

    def test_deadline(self) -> None:
        """A client that does not come to an end is broken off: its message is neither stored nor acknowledged."""
        client = self.site.in_data()
        client.say(b"one")
        drained = self.drain()
        self.site.clock.advance(59)
        self.assertNoResult(drained)
        self.site.clock.advance(1)
        self.successResultOf(drained)
        self.leave(client, GOODBYE)
        self.assertEqual(self.site.intake.drafts, [])

    def test_deadline_while_reading_pauses(self) -> None:
        """Who is broken off while reading pauses is read again: TLS ends with words of both sides."""
        self.site.intake.gate = gate = Deferred[None]()
        client = self.site.in_data()
        client.say(b"one\r\n.\r\n")
        client.say(b"X" * 70_000)
        self.assertEqual(client.transport.producerState, "paused")
        drained = self.drain()
        self.site.clock.advance(60)
        self.successResultOf(drained)
        self.assertEqual(client.transport.producerState, "producing")
        self.leave(client, GOODBYE)
        gate.callback(None)
        self.assertEqual(len(self.site.intake.drafts), 1)

    def test_late_comers(self) -> None:
        """Who comes in while the door closes is turned away."""
        lingering = self.site.in_data()
        drained = self.drain()
        late = self.site.connect()
        self.site.clock.advance(0)
        self.leave(late, GOODBYE)
        self.assertNoResult(drained)
        lingering.hang_up()
        self.successResultOf(drained)

    def test_during_greeting_delay(self) -> None:
        """Who waits for the greeting is turned away."""
        self.site = Site(settings=evolve(SETTINGS, greeting_delay=5))
        client = self.site.connect()
        drained = self.drain()
        self.leave(client, GOODBYE)
        self.successResultOf(drained)
