"""Tests of L{smtpeter.mime.pieces}."""

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.pieces import MAX_PIECES, PIECE_BYTES, Damaged, pack, unpack
from smtpeter.model.archive import Kept

HTML = b"<p>The same for everybody.</p>\r\n" * 100
FILE = b"JVBERi0xLjQKJcOkw7zDtsOfCjIgMCBvYmoKPDwvTGVuZ3RoIDMgMCBSL0ZpbHRlci9GbGF0ZURl\r\n" * 60


def mail(to: str, *bodies: bytes, boundary: bytes = b"=_b") -> bytes:
    """A multipart message with a header of its own."""
    head = b"From: a@shop.example\r\nTo: %s\r\nContent-Type: multipart/mixed; boundary=" % to.encode()
    parts = (b"--" + boundary + b"\r\nContent-Type: text/html\r\n\r\n" + body + b"\r\n" for body in bodies)
    return head + b'"' + boundary + b'"\r\n\r\n' + b"".join(parts) + b"--" + boundary + b"--\r\n"


class PackTests(SynchronousTestCase):
    """Dividing and joining."""

    @settings(max_examples=60, deadline=None)
    @given(content=st.binary(max_size=4000))
    def test_any_bytes(self, content: bytes) -> None:
        """Whatever bytes are packed, the same come back."""
        packed = pack(content)
        self.assertEqual(unpack(packed), content)
        self.assertEqual(packed.size_bytes, len(content))

    @settings(max_examples=60, deadline=None)
    @given(
        bodies=st.lists(
            st.one_of(st.binary(max_size=2500), st.sampled_from((HTML, FILE, b"", b"\r\n" * 800))), max_size=5
        ),
        cut=st.integers(0, 9000),
    )
    def test_any_parts(self, bodies: list[bytes], cut: int) -> None:
        """Whatever parts there are, and wherever the message breaks off, the same bytes come back."""
        content = mail("b@customer.example", *bodies)
        for one in (content, content[:cut]):
            self.assertEqual(unpack(pack(one)), one)

    def test_shared(self) -> None:
        """Mails with the same bodies have the same pieces; what is left is small."""
        one, other = pack(mail("b@customer.example", HTML, FILE)), pack(mail("c@other.example", HTML, FILE))
        self.assertEqual(len(one.places), 2)
        self.assertEqual([piece for _, piece in one.places], [piece for _, piece in other.places])
        self.assertLess(len(one.rest.stored), 300)

    def test_places(self) -> None:
        """A piece is the body of a part as it stands there, without the line end of the delimiter."""
        content = mail("b@customer.example", HTML, FILE)
        for (offset, piece), body in zip(pack(content).places, (HTML, FILE), strict=True):
            self.assertEqual(content[offset : offset + piece.kept.size_bytes], body)

    def test_inside_attached_message(self) -> None:
        """The attachment of a forwarded mail is the same piece as that of the mail itself."""
        inner = mail("b@customer.example", FILE)
        outer = b"Subject: Fwd\r\nContent-Type: message/rfc822\r\n\r\n" + inner
        self.assertEqual([piece for _, piece in pack(outer).places], [piece for _, piece in pack(inner).places])

    def test_small(self) -> None:
        """Small bodies are no pieces."""
        self.assertEqual(pack(mail("b@customer.example", b"x" * (PIECE_BYTES - 1))).places, ())
        self.assertEqual(len(pack(mail("b@customer.example", b"x" * PIECE_BYTES)).places), 1)

    def test_compressed_when_it_helps(self) -> None:
        """Text is compressed, what does not get smaller stays plain."""
        chance = bytes((number * number * 2654435761 >> 13) & 0xFF for number in range(1, 3000))
        ((_, text), (_, noise)) = pack(mail("b@customer.example", HTML, chance)).places
        self.assertEqual((text.kept.form, noise.kept.form), ("zlib", "plain"))
        self.assertLess(len(text.kept.stored), len(HTML) / 5)

    def test_most_pieces(self) -> None:
        """Of very many parts the largest become pieces, and all bytes come back."""
        bodies = [b"%d" % number + b"x" * (PIECE_BYTES + number) for number in range(MAX_PIECES + 20)]
        content = mail("b@customer.example", *bodies)
        packed = pack(content)
        self.assertEqual(len(packed.places), MAX_PIECES)
        self.assertGreater(min(piece.kept.size_bytes for _, piece in packed.places), PIECE_BYTES + 19)
        self.assertEqual(unpack(packed), content)

    def test_too_deep(self) -> None:
        """A message that cannot be divided is kept whole."""
        content = b"Content-Type: message/rfc822\r\n\r\n" * 200 + HTML
        packed = pack(content)
        self.assertEqual((packed.places, unpack(packed)), ((), content))

    def test_damaged(self) -> None:
        """Parts that do not fit are told as such and never joined to something else."""
        packed = pack(mail("b@customer.example", HTML))
        ((offset, piece),) = packed.places
        for broken in (
            evolve(packed, rest=evolve(packed.rest, size_bytes=packed.rest.size_bytes - 1)),
            evolve(packed, rest=Kept(form="zlib", stored=b"nonsense", size_bytes=8)),
            evolve(packed, places=((offset + 10_000, piece),)),
            evolve(packed, places=((offset, piece), (offset, piece))),
        ):
            self.assertRaises(Damaged, unpack, broken)
