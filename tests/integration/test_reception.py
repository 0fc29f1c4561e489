"""Large content at the door: while it is made ready, piece by piece, others have their turn."""

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.wire import PIECE
from tests.smtpd.support import SETTINGS, Site

TURNS = 8


class LargeContentTests(SynchronousTestCase):
    """A message of several pieces."""

    def received(self, site: Site, data: bytes) -> bytes:
        """Hand it in while another client says NOOP; the reply, which that client does not wait for."""
        client, other = site.in_data(), site.ready()
        replies = [client.say(data + b".\r\n")]
        self.assertEqual(replies, [b""])
        self.assertTrue(other.say(b"NOOP\r\n").startswith(b"250"))
        for _ in range(TURNS):
            site.clock.advance(0)
            replies.append(client.hear())
        return b"".join(replies)

    def test_pieces(self) -> None:
        """Bare line ends become CRLF and dots are un-stuffed wherever pieces begin, and only then it is accepted."""
        site = Site()
        for before in (PIECE - 2, PIECE - 1, PIECE, PIECE + 1):
            data = b"x" * (before - 2) + b"\r\n..y\n.z\r\n" + b"\n\r" * PIECE + b"end\r\n"
            self.assertTrue(self.received(site, data).startswith(b"250 2.0.0 Ok: queued as"))
            expected = b"x" * (before - 2) + b"\r\n.y\r\n.z\r\n" + b"\r\n" * (PIECE + 1) + b"end\r\n"
            self.assertEqual(site.intake.drafts[-1].content, expected)

    def test_rejected(self) -> None:
        """Where bare line ends are refused, one in the last piece is found; the session lives on."""
        site = Site(settings=evolve(SETTINGS, bare_newline="reject"))
        answer = self.received(site, b"x" * 3 * PIECE + b"\ny\r\n")
        self.assertRegex(answer, rb"\A5\d\d 5\.")
        self.assertEqual(site.intake.drafts, [])
        self.assertTrue(self.received(site, b"x" * 3 * PIECE + b"\r\n").startswith(b"250"))
