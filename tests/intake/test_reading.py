"""What a content must be to be accepted."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.intake import Refused
from smtpeter.intake.reading import check_limits, read_content
from smtpeter.mime.limits import MAX_HEADER_BYTES

FROM = b"From: a@shop.example\r\n"


class HeaderLimitTests(SynchronousTestCase):
    def header(self, size: int, line: bytes) -> bytes:
        """A header block of that size made of such lines, and a body."""
        count = (size - len(FROM)) // len(line)
        short = size - len(FROM) - count * len(line)
        return FROM + b"Y:" + b"y" * (short + len(line) - 4) + b"\r\n" + line * (count - 1) + b"\r\nbody\r\n"

    def test_every_cut(self) -> None:
        """A block over the limit is refused wherever in its lines the limit falls, one that fits is not."""
        line = b"A-Name: value" + b"!" * 200 + b"\r\n"
        for excess in range(1, len(line) + 1, 3):
            for read in (read_content, check_limits):
                with self.assertRaises(Refused) as caught:
                    read(self.header(MAX_HEADER_BYTES + excess, line))
                self.assertEqual((caught.exception.code, caught.exception.enhanced), (552, "5.3.4"))
        self.assertEqual(read_content(self.header(MAX_HEADER_BYTES, line)).sender_domain, "shop.example")
