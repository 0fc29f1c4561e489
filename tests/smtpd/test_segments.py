"""However a stream of bytes is cut, the session is the same."""

from hypothesis import given, settings
from hypothesis.strategies import integers, lists
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.message import Draft
from tests.smtpd.support import BOUNCE, PLAIN, Site
from tests.smtpd.test_framing import cut

# A client waits for the reply at the end of each turn, as RFC 2920 has it behind DATA, AUTH and the end of data.
TURNS = [
    b"EHLO client.example\r\nNOOP\r\nBOGUS\r\n",
    b"AUTH PLAIN\r\n",
    b"!!\r\n",
    b"AUTH PLAIN " + PLAIN + b"\r\n",
    b"MAIL FROM:<a@b.example> SIZE=30 RET=FULL\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<bad>\r\nRCPT TO:<"
    + BOUNCE.encode()
    + b">\r\nDATA\r\n",
    b"Subject: one\r\n\r\n..dot\r\n.\n.\r.\r\r\n \r\n.\r\n"
    b"RSET\r\nMAIL FROM:<>\r\nRCPT TO:<e@f.example> NOTIFY=NEVER\r\nDATA\r\n",
    b".\r\nMAIL FROM:<x@y.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n",
    b"two\nlines\r\n.\r\nVRFY x\r\nn\no\r\nQUIT\r\n",
]


def play(sizes: list[list[int]]) -> tuple[list[bytes], list[Draft], int]:
    """Send the turns, each in segments of those sizes: replies by turn, drafts, returns."""
    site = Site()
    client = site.greeted(is_encrypted=True)
    heard = [
        b"".join([client.say(segment) for segment in cut(turn, sizes[at % len(sizes)])])
        for at, turn in enumerate(TURNS)
    ]
    return heard, site.intake.drafts, len(site.intake.returns)


class Segments(SynchronousTestCase):
    def test_whole_turns(self) -> None:
        """The recorded session says what it should."""
        heard, drafts, returns = play([[]])
        codes = [[line[:3] for line in answer.split(b"\r\n") if line[3:4] == b" "] for answer in heard]
        self.assertEqual(
            codes,
            [
                [b"250", b"250", b"500"],
                [b"334"],
                [b"501"],
                [b"235"],
                [b"250", b"250", b"553", b"250", b"354"],
                [b"250", b"250", b"250", b"250", b"354"],
                [b"250", b"250", b"250", b"354"],
                [b"250", b"252", b"500", b"500", b"221"],
            ],
        )
        contents = [b"Subject: one\r\n\r\n.dot\r\n\r\n.\r\n.\r\n\r\n \r\n", b"", b"two\r\nlines\r\n"]
        self.assertEqual(([draft.content for draft in drafts], returns), (contents, 1))

    @settings(max_examples=60, deadline=None)
    @given(lists(lists(integers(1, 40), max_size=20), min_size=1, max_size=len(TURNS)))
    def test_any_segments(self, sizes: list[list[int]]) -> None:
        """Cut in any way, the same bytes get the same replies and make the same drafts."""
        self.assertEqual(play(sizes), play([[]]))

    def test_byte_by_byte(self) -> None:
        """So they do byte by byte."""
        self.assertEqual(play([[1] * 400]), play([[]]))
