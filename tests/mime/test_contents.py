"""Tests for L{smtpeter.mime.contents}."""

from base64 import b64encode

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.compose import compose
from smtpeter.mime.contents import Contents, File, find_file, header_text, read_contents
from smtpeter.model.composition import Attachment, Composition

CHANCE = b"0123456789abcdef"
PLAIN = Composition(sender="Shop <shop@x.example>", to="joe@y.example", subject="Grüße", text="Hello\nJoe\n")
LOGO = Attachment(data=b"\x89PNG\r\n\x00", name="logo.png", type="image/png", cid="logo@x")
BILL = Attachment(data=b"%PDF\n\xff", name="Rechnung für Jörg.pdf")

_LINE = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=60)


def composed(composition: Composition) -> Contents:
    return read_contents(compose(composition, CHANCE))


def message(*parts: str, kind: str = "mixed") -> Contents:
    """A container of these parts, each with its fields."""
    lines = [f"Content-Type: multipart/{kind}; boundary=b", ""]
    for part in parts:
        lines += ["--b", *part.split("\n")]
    return read_contents("\r\n".join([*lines, "--b--", ""]).encode("latin-1"))


def files(contents: Contents) -> tuple[list[str], list[str]]:
    """The names of what is attached, and of what is embedded."""
    return [file.name for file in contents.attachments], [file.name for file in contents.embeds]


class ComposedTests(SynchronousTestCase):
    """What we compose is read back."""

    def test_all(self) -> None:
        """Texts, files with their names, types and sizes, embedded ones with their content ids."""
        contents = composed(evolve(PLAIN, html="<p>日本", attachments=(BILL, LOGO, BILL)))
        self.assertEqual(contents.text(), "Hello\r\nJoe\r\n")
        self.assertEqual(contents.html(), "<p>日本")
        first, second = contents.attachments
        (logo,) = contents.embeds
        self.assertEqual(
            [(each.number, each.name, each.type, each.size, each.cid) for each in (first, second, logo)],
            [
                (0, BILL.name, "application/pdf", 6, ""),
                (1, BILL.name, "application/pdf", 6, ""),
                (0, "logo.png", "image/png", 7, "logo@x"),
            ],
        )
        self.assertEqual([contents.octets(each) for each in (second, logo)], [BILL.data, LOGO.data])

    @given(
        text=st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
        html=st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
        attached=st.lists(st.tuples(st.binary(max_size=200), _LINE), max_size=4),
        embedded=st.lists(st.tuples(st.binary(max_size=200), _LINE), max_size=4),
    )
    @settings(max_examples=100, deadline=None)
    def test_round_trip(
        self, text: str | None, html: str, attached: list[tuple[bytes, str]], embedded: list[tuple[bytes, str]]
    ) -> None:
        """Whatever was composed is read back, in order."""
        contents = composed(
            evolve(
                PLAIN,
                text=text,
                html=html,
                attachments=(
                    *(Attachment(data=data, name=name, type="a/b") for data, name in attached),
                    *(Attachment(data=data, name=name, cid=str(n)) for n, (data, name) in enumerate(embedded)),
                ),
            )
        )
        for read, expected in ((contents.text(), text), (contents.html(), html)):
            self.assertEqual(lines(read), lines(expected))
        for found, given_files in ((contents.attachments, attached), (contents.embeds, embedded)):
            self.assertEqual([(contents.octets(file), file.name) for file in found], given_files)
            self.assertEqual([file.size for file in found], [len(data) for data, _ in given_files])
            self.assertEqual([file.number for file in found], list(range(len(given_files))))
        self.assertEqual([file.cid for file in contents.embeds], [str(n) for n in range(len(embedded))])


def lines(text: str | None) -> list[str] | None:
    """A text without regard to how its lines end, and whether the last one does."""
    if text is None:
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff").removesuffix("\n").split("\n")


class FoundTests(SynchronousTestCase):
    """What is a text, what is attached and what is embedded in messages of others."""

    def test_texts(self) -> None:
        """The first text of a kind that is not a file; what has a name or is attached is one."""
        contents = message(
            "Content-Type: text/plain; name=a.txt\n\nfile",
            "Content-Type: text/html\nContent-Disposition: attachment\n\nfile",
            "Content-Type: text/plain\nContent-Disposition: inline\n\ntext",
            "\nfooter",
            "Content-Type: text/html\n\n<p>html",
            "Content-Type: text/html\n\n<p>footer",
        )
        self.assertEqual((contents.text(), contents.html()), ("text", "<p>html"))
        self.assertEqual(files(contents), (["a.txt", ""], []))

    def test_none(self) -> None:
        """Where there is no text there is none."""
        contents = read_contents(b"Content-Type: application/pdf\r\n\r\n%PDF")
        self.assertEqual((contents.text(), contents.html(), files(contents)), (None, None, ([""], [])))
        empty = read_contents(b"")
        self.assertEqual((empty.text(), empty.html(), files(empty)), ("", None, ([], [])))

    def test_embedded(self) -> None:
        """In a related container, or with a content id; an attached file with an id is attached."""
        kind = "Content-Type: image/png; name="
        parts = (
            f"{kind}a\nContent-ID: <a>\n\n",
            f"{kind}b\n\n",
            f"{kind}c\nContent-ID: <c>\nContent-Disposition: attachment\n\n",
            f"{kind}d\nContent-Disposition: attachment\n\n",
        )
        self.assertEqual(files(message(*parts)), (["b", "c", "d"], ["a"]))
        self.assertEqual(files(message(*parts, kind="related")), (["d"], ["a", "b", "c"]))

    def test_alternatives(self) -> None:
        """Other forms of the text are no files, a named calendar is."""
        contents = message(
            "\ntext",
            "Content-Type: text/x-amp-html\n\n<html amp4email>",
            "Content-Type: text/calendar; name=a.ics\n\nBEGIN",
            "Content-Type: text/html\n\n<p>",
            kind="alternative",
        )
        self.assertEqual((contents.text(), contents.html(), files(contents)), ("text", "<p>", (["a.ics"], [])))

    def test_attached_message(self) -> None:
        """It is one file, and nothing in it is taken for the message's own."""
        inner = "Content-Type: multipart/mixed; boundary=c\n\n--c\n\ninner\n--c\nContent-Type: a/b; name=x\n\n--c--"
        contents = message(f"Content-Type: message/rfc822\n\n{inner}", "\nouter")
        self.assertEqual((contents.text(), files(contents)), ("outer", ([""], [])))
        (file,) = contents.attachments
        self.assertEqual(contents.octets(file), inner.replace("\n", "\r\n").encode())
        self.assertEqual(file.size, len(inner.replace("\n", "\r\n")))

    def test_names(self) -> None:
        """Old and new encodings of names are read; no name has a control character; odd types are regular ones."""
        contents = message(
            'Content-Type: a/b; name="=?utf-8?q?=C3=BC=0D=0A.txt?="\n\n',
            "Content-Type: a/b\nContent-Disposition: attachment; filename*=utf-8''%C3%BC%0D%0Ax\n\n",
            "Content-Type: \x00a/b\nContent-Disposition: attachment; filename=c\n\n",
        )
        self.assertEqual(files(contents), (["ü .txt", "ü x", "c"], []))
        self.assertEqual(contents.attachments[2].type, "application/octet-stream")


class BrokenTests(SynchronousTestCase):
    """Broken and hostile messages are read as far as they can be."""

    def test_base64(self) -> None:
        """Without its padding, with rubbish in it, cut in the middle."""
        octets = bytes(range(256))
        encoded = b64encode(octets).decode()
        for body, expected in (
            (encoded.rstrip("="), octets),
            (encoded[:8] + "\n!*ä\n" + encoded[8:].rstrip("="), octets),
            (encoded[:9], octets[:6]),
            (encoded[:10], octets[:7]),
            ("=", b""),
            ("", b""),
        ):
            contents = message(f"Content-Type: a/b\nContent-Transfer-Encoding: base64\n\n{body}")
            self.assertEqual(contents.octets(contents.attachments[0]), expected, body)

    def test_encodings(self) -> None:
        """Quoted-printable that is none, and encodings that nobody knows."""
        contents = message(
            "Content-Transfer-Encoding: quoted-printable\n\na=zz=",
            "Content-Type: a/b\nContent-Transfer-Encoding: x-uuencode\n\nbegin",
        )
        self.assertEqual(contents.text(), "a=zz")
        self.assertEqual(contents.octets(contents.attachments[0]), b"begin")

    def test_structure(self) -> None:
        """No boundary, no end, nested too deep: nothing raises."""
        for content in (
            b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx",
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--c\r\n\r\nx",
            b"Content-Type: message/rfc822\r\n\r\n" * 200,
        ):
            contents = read_contents(content)
            self.assertEqual((contents.text(), contents.html()), (None, None))
        open_end = read_contents(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx")
        self.assertEqual(open_end.text(), "x")

    @given(st.binary(max_size=300), st.sampled_from(["base64", "quoted-printable", "8bit", "x"]))
    @settings(max_examples=150, deadline=None)
    def test_anything(self, octets: bytes, encoding: str) -> None:
        """Any octets as header, as text, as file: there is an answer."""
        fields = f"Content-Type: text/html; charset=gbk\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
        self.assertIsInstance(read_contents(fields + octets).html(), str)
        contents = read_contents(octets)
        self.assertIsInstance(header_text(octets), str)
        for file in (*contents.attachments, *contents.embeds):
            self.assertEqual(len(contents.octets(file)), file.size)

    def test_many_parts(self) -> None:
        """Thousands of parts are each decoded once."""
        part = "Content-Type: a/b; name=" + "x" * 100 + "\nContent-ID: <" + "<" * 2000 + ">\n\nx"
        contents = message(*[part] * 3000)
        self.assertEqual(len(contents.embeds), 3000)
        self.assertLessEqual(max(len(file.cid) for file in contents.embeds), 1000)


class HeaderTests(SynchronousTestCase):
    """The header block as text."""

    def test_as_sent(self) -> None:
        """Folded and encoded as it stands there, without the empty line; old octets are Latin-1."""
        block = b"From: a@x.example\r\nSubject: =?utf-8?B?w7w=?=\r\n\tmore\r\n"
        self.assertEqual(header_text(block + b"\r\nbody"), block.decode())
        self.assertEqual(header_text("X-A: ü\r\n\r\nb".encode()), "X-A: ü\r\n")
        self.assertEqual(header_text("X-A: ü\r\n\r\n".encode("latin-1")), "X-A: ü\r\n")


class FindTests(SynchronousTestCase):
    """Files by name, content id or number."""

    def found(self, which: str) -> File | None:
        """Among four files."""
        contents = composed(
            evolve(
                PLAIN,
                html="<p>",
                attachments=(
                    evolve(LOGO, name="0", cid="a"),
                    evolve(LOGO, name="b", cid="c"),
                    evolve(LOGO, name="b", cid="d"),
                    evolve(LOGO, name="", cid="1"),
                ),
            )
        )
        return find_file(contents.embeds, which)

    def test_find(self) -> None:
        """A name comes before a content id, that before a number; of two with one name the first is meant."""
        for which, number in (("0", 0), ("b", 1), ("d", 2), ("<d>", 2), ("1", 3), ("2", 2)):
            found = self.found(which)
            assert found is not None, which
            self.assertEqual(found.number, number, which)

    def test_nothing(self) -> None:
        """What is not there is not found, nor is what has no name by an empty one."""
        for which in ("", "x", "4", "-1", "²", "9" * 5000, "<>", "../b"):
            self.assertIsNone(self.found(which), which)
