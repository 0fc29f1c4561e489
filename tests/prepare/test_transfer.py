"""Tests of bodies that are changed under their transfer encodings."""

from base64 import encodebytes
from quopri import decodestring, encodestring

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.wire import has_long_line, normalise_newlines
from smtpeter.prepare.quoted import MAX_LINE, read_quoted, write_quoted
from smtpeter.prepare.recipe import Tail, make_recipe
from smtpeter.prepare.splices import Splice, in_order, spliced
from smtpeter.prepare.transfer import Base64Lines, Segment, Undecodable, change_body, read_body, write_pieces
from smtpeter.tracking.tokens import pixel_mark
from tests.prepare.rig import HOST, KEYS

SEAL = pixel_mark(KEYS, HOST).seal
ID = b"\x01abcdefghijk"
TEXT = st.lists(
    st.sampled_from([b"a", b"=", b" ", b"\t", b"\r\n", b"\xc3\xa9", b"-", b".", b"From ", b"x" * 60, b'<>"&'])
).map(b"".join)


def written(segments: list[Segment]) -> bytes:
    """The body for a message."""
    return b"".join(segment if isinstance(segment, bytes) else segment.write(ID) for segment in segments)


def quoted(raw: bytes) -> bytes:
    """As the standard library encodes it, with CRLF."""
    return encodestring(raw.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")


class QuotedTests(SynchronousTestCase):
    """Quoted-printable."""

    def changed(self, encoded: bytes, *splices: Splice) -> bytes:
        """The encoded body with changes."""
        body = read_body(encoded, "quoted-printable")
        segments, encoding = change_body(body, in_order(splices, len(body.decoded)))
        self.assertIsNone(encoding)
        return written(segments)

    def test_in_place(self) -> None:
        """What is not replaced keeps its bytes: odd escapes, soft line breaks, escapes that were not needed."""
        encoded = b'=41b=c3=A9 <a href=3D"http=\r\n://x">=\r\nrest =20\r\nend'
        start = read_body(encoded, "quoted-printable").decoded.index(b"http")
        out = self.changed(encoded, Splice(start=start, end=start + 8, pieces=(b"Y=Z",)))
        self.assertEqual(out, b'=41b=c3=A9 <a href=3D"Y=3DZ">=\r\nrest =20\r\nend')

    def test_offsets(self) -> None:
        """Each octet is found where it stands, behind soft breaks."""
        self.assertEqual([read_quoted(b"a=3D=\r\nb=\nc").offset(index) for index in range(5)], [0, 1, 7, 10, 11])

    def test_insertion(self) -> None:
        """A seal is never divided and gets a line of its own when there is no room."""
        out = self.changed(b"x" * 70, Splice(start=60, end=60, pieces=(SEAL, b"-y")))
        self.assertIn(SEAL.write(ID), out)
        self.assertEqual(decodestring(out), b"x" * 60 + SEAL.write(ID) + b"-y" + b"x" * 10)

    def test_broken(self) -> None:
        """Bytes that readers understand differently are not touched."""
        for encoded in (b'<a href="x">', b"a= \r\n", b"a==41", b"a="):
            self.assertRaises(Undecodable, read_body, encoded, "quoted-printable")

    def test_long_lines(self) -> None:
        """A hostile line without end is not measured again for each change."""
        body = read_body(b"a" * 500_000, "quoted-printable")
        changes = [Splice(start=index, end=index, pieces=(b"b",)) for index in range(0, 500_000, 100)]
        segments, _ = change_body(body, changes)
        self.assertEqual(decodestring(written(segments)).count(b"b"), 5000)

    def test_ends_of_lines(self) -> None:
        """No line ends in white space, which relays remove."""
        lines = write_pieces(tuple(write_quoted([b"a \r\nb\t\r\n", b"c ", SEAL, b" \r\n", b"d "])), ID).split(b"\r\n")
        self.assertEqual([line for line in lines if line != line.rstrip()], [])
        self.assertEqual(decodestring(b"\r\n".join(lines)), b"a \r\nb\t\r\nc " + SEAL.write(ID) + b" \r\nd ")

    def test_starts_of_lines(self) -> None:
        """Behind a soft line break stands nothing that relays or readers take for something else at its start."""
        for odd in (b".", b"-", b"--b", b"From me"):
            text = (b"x" * 75 + odd) * 3
            out = write_pieces(tuple(write_quoted([text])), ID)
            self.assertEqual(decodestring(out), text)
            self.assertEqual([line for line in out.split(b"\r\n") if line.startswith((b".", b"-", b"From "))], [])

    @settings(max_examples=200, deadline=None)
    @given(TEXT, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60), TEXT, st.booleans()), max_size=4))
    def test_law(self, raw: bytes, wanted: list[tuple[int, int, bytes, bool]]) -> None:
        """Decoding what was changed gives the changed text, and no line grows over 76 characters."""
        encoded, splices, position = quoted(raw), [], 0
        # The standard library's encoder itself exceeds the limit where a line ends in white space.
        assume(max(map(len, encoded.split(b"\r\n"))) <= MAX_LINE)
        decoded = read_quoted(encoded).decoded
        for start, length, text, is_sealed in sorted(wanted, key=lambda each: each[0]):
            start = max(start, position)
            if start + length > len(decoded):
                break
            splices.append(Splice(start=start, end=start + length, pieces=(text, SEAL, text) if is_sealed else (text,)))
            position = start + length
        out = self.changed(encoded, *splices)
        expected = write_pieces(spliced(decoded, splices), ID)
        # Where a change divides a CRLF the halves are joined differently; no change of ours does.
        if expected.count(b"\r") == expected.count(b"\r\n") == expected.count(b"\n"):
            self.assertEqual(read_quoted(out).decoded, expected)
            self.assertLessEqual(max(map(len, out.split(b"\r\n"))), MAX_LINE)


class BodyTests(SynchronousTestCase):
    """Base64 and bodies that are their own content."""

    def test_base64(self) -> None:
        """Base64 is written anew with lines of the length that it had, and the end that it had."""
        for length, end in ((76, b"\r\n"), (60, b"\r\n"), (76, b"")):
            raw = b"<p>" * 100
            lines = encodebytes(raw).replace(b"\n", b"")
            encoded = b"\r\n".join(lines[at : at + length] for at in range(0, len(lines), length)) + end
            body = read_body(encoded, "base64")
            self.assertEqual(body.decoded, raw)
            segments, encoding = change_body(body, [Splice(start=3, end=3, pieces=(b"new", SEAL))])
            out = written(segments)
            self.assertIsNone(encoding)
            self.assertEqual(read_body(out, "base64").decoded, raw[:3] + b"new" + SEAL.write(ID) + raw[3:])
            self.assertEqual((len(out.split(b"\r\n")[0]), out.endswith(b"\r\n")), (length, bool(end)))

    def test_odd_base64_lines(self) -> None:
        """Lines that are longer than allowed, or no whole number of groups, become lines of 76."""
        raw = b"<p>" * 400
        lines = encodebytes(raw).replace(b"\n", b"")
        for length in (len(lines), 1000, 80, 77, 75, 10, 3):
            encoded = b"\r\n".join(lines[at : at + length] for at in range(0, len(lines), length))
            segments, _ = change_body(read_body(encoded, "base64"), [Splice(start=3, end=3, pieces=(b"new",))])
            out = written(segments)
            self.assertEqual({len(line) for line in out.split(b"\r\n")[:-1]}, {76}, length)
            self.assertEqual(read_body(out, "base64").decoded, raw[:3] + b"new" + raw[3:])

    def test_broken_base64(self) -> None:
        """What is no base64 is not touched."""
        for encoded in (b"<p>not base64</p>", b"QUJD*QUJD", b"QQ==QQ=="):
            self.assertRaises(Undecodable, read_body, encoded, "base64")

    def test_identity(self) -> None:
        """A body that is its own content is spliced, line ends of what comes in made CRLF."""
        segments, encoding = change_body(read_body(b"ab\xe9", "8bit"), [Splice(start=1, end=2, pieces=(b"1\n2", SEAL))])
        self.assertEqual((written(segments), encoding), (b"a1\r\n2" + SEAL.write(ID) + b"\xe9", None))

    def test_long(self) -> None:
        """A line that would become too long makes the part quoted-printable."""
        raw = b"a" * 980 + b"\r\nb = c\r\n"
        segments, encoding = change_body(read_body(raw, "7bit"), [Splice(start=10, end=10, pieces=(SEAL,))])
        out = written(segments)
        self.assertEqual(encoding, "quoted-printable")
        self.assertFalse(has_long_line(out, MAX_LINE))
        self.assertEqual(read_quoted(out).decoded, raw[:10] + SEAL.write(ID) + raw[10:])

    @given(st.lists(st.sampled_from([b"a", b"\r\n", b"\r", b"\n", b"\0", b""]), min_size=1, max_size=8))
    @settings(max_examples=150)
    def test_line_ends(self, pieces: list[bytes]) -> None:
        """Bare CR and LF become CRLF in each piece by itself, whatever else is in it."""
        body = read_body(b"xy", "")
        for before in (True, False):
            splices = [Splice(start=1, end=1, pieces=(piece,)) for piece in pieces]
            splices.insert(len(splices) * before, Splice(start=1, end=1, pieces=(SEAL,)))
            segments, _ = change_body(body, splices)
            expected = b"".join(normalise_newlines(piece) for piece in pieces)
            self.assertEqual(written(segments).replace(SEAL.write(ID), b""), b"x" + expected + b"y")

    def test_eightbit(self) -> None:
        """A seven-bit part that gets other octets becomes quoted-printable."""
        segments, encoding = change_body(read_body(b"ab", "7bit"), [Splice(start=1, end=1, pieces=(b"\xe9",))])
        self.assertEqual((written(segments), encoding), (b"a=E9b", "quoted-printable"))

    def test_recipe(self) -> None:
        """
        A recipe joins what is the same for all, encodes base64 without tokens once, and keeps places for tokens.

        A body without changes is not copied.
        """
        fixed = Base64Lines(pieces=(b"abc",), length=76, end=b"")
        recipe = make_recipe([b"H", b"\r\n\r\n"], b"xx0123456789", 2, [(4, 6, [fixed]), (8, 8, [b"!"])])
        self.assertEqual((recipe.header, recipe.body), ((b"H\r\n\r\n",), (b"01YWJj45!6789",)))
        self.assertTrue(recipe.is_fixed)
        content = b"H\r\n\r\nbody"
        (tail,) = make_recipe([b"H\r\n\r\n"], content, 5, ()).body
        assert isinstance(tail, Tail)
        self.assertIs(tail.content, content)
        tokens = make_recipe([b"H"], b"0123", 0, [(1, 1, [SEAL])])
        self.assertFalse(tokens.is_body_fixed)
        self.assertEqual(tokens.write_body(ID), b"0" + SEAL.write(ID) + b"123")
