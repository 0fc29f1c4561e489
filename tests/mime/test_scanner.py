"""Tests for L{smtpeter.mime.scanner} and L{smtpeter.mime.document}."""

from email import message_from_bytes, policy
from email.message import EmailMessage, Message

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.document import Part, editable_html_parts, splice
from smtpeter.mime.scanner import MAX_LINES, MAX_PARTS, TooDeep, scan


def lines(*texts: str) -> bytes:
    return "\r\n".join(texts).encode()


def bodies(content: bytes, part: Part) -> list[bytes]:
    return [content[each.body_start : each.end] for each in part.walk() if not each.children]


def nested(levels: int) -> bytes:
    """So many multiparts inside one another."""
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(levels)
    )


def newsletter() -> bytes:
    message = EmailMessage()
    message["From"] = "a@example.com"
    message.set_content("text\n")
    message.add_alternative("<p>html</p>\n", subtype="html")
    message.add_attachment(b"\x00\x01" * 100, maintype="image", subtype="png", filename="ä b.png")
    attached = EmailMessage()
    attached["Subject"] = "inner"
    attached.set_content("<b>inner</b>\n", subtype="html")
    message.add_attachment(attached)
    message.add_attachment("<i>file</i>\n", subtype="html", filename="x.html")
    return message.as_bytes(policy=policy.SMTP)


class ScanTests(SynchronousTestCase):
    """Which parts there are and where."""

    def test_agrees_with_the_email_package(self) -> None:
        """Types, file names and bodies of a real tree are those that the stock package finds."""
        content = newsletter()
        judged: list[Message] = list(message_from_bytes(content, policy=policy.default).walk())
        found = list(scan(content).walk())
        self.assertEqual([part.content_type for part in found], [part.get_content_type() for part in judged])
        self.assertEqual([part.filename for part in found], [part.get_filename() or "" for part in judged])
        for part, judge in zip(found, judged, strict=True):
            if not part.children:
                self.assertEqual(
                    content[part.body_start : part.end].replace(b"\r\n", b"\n").rstrip(b"\n"),
                    str(judge.get_payload()).encode().replace(b"\r\n", b"\n").rstrip(b"\n"),
                )

    def test_single(self) -> None:
        """A message without MIME is one text; an unreadable type counts as text."""
        part = scan(b"A: b\r\n\r\nbody")
        self.assertEqual((part.content_type, part.body_start, part.end, part.children), ("text/plain", 8, 12, ()))
        self.assertEqual(scan(b"Content-Type: text\r\n\r\n").content_type, "text/plain")
        self.assertEqual(scan(b"").end, 0)

    def test_fields_of_a_part(self) -> None:
        """Type, character set, encoding, disposition and file name, folded and in any case; the first field counts."""
        content = lines(
            'CONTENT-TYPE : Text/HTML;\r\n charset="UTF-8"; name=n.html',
            "content-transfer-encoding: Quoted-Printable (x)",
            "Content-Type: text/plain",
            "Content-Disposition: INLINE",
            "",
            "x",
        )
        part = scan(content)
        self.assertEqual((part.content_type, part.charset, part.encoding), ("text/html", "utf-8", "quoted-printable"))
        self.assertEqual((part.disposition, part.filename), ("inline", "n.html"))
        assert part.encoding_span is not None
        span = content[slice(*part.encoding_span)]
        self.assertEqual(span, b"content-transfer-encoding: Quoted-Printable (x)\r\n")

    def test_edges(self) -> None:
        """Preamble and epilogue are no parts, delimiters may have white space behind, prefixes are no delimiters."""
        content = lines(
            "Content-Type: multipart/mixed; boundary=b",
            "",
            "preamble",
            "--bb",
            "--b  ",
            "",
            "one",
            "--bx",
            "--b",
            "A: b",
        )
        content += b"\r\n\r\ntwo\r\n\r\n--b--\t\r\nepilogue\r\n--b\r\n\r\nno\r\n"
        self.assertEqual(bodies(content, scan(content)), [b"one\r\n--bx", b"two\r\n"])

    def test_nested_with_a_common_prefix(self) -> None:
        """An inner boundary may begin as the outer one does, and an inner end may be missing."""
        content = lines("Content-Type: multipart/mixed; boundary=b", "", "--b")
        content += lines(
            "", 'Content-Type: multipart/alternative; boundary="b-1"', "", "--b-1", "", "x", "--b-1", "", "y"
        )
        content += lines("", "--b", "", "z", "--b--", "")
        root = scan(content)
        self.assertEqual([part.content_type for part in root.children], ["multipart/alternative", "text/plain"])
        self.assertEqual(bodies(content, root), [b"x", b"y", b"z"])

    def test_inner_boundary_afterwards(self) -> None:
        """The boundary of a multipart that an outer delimiter has ended divides nothing, until another has it again."""
        content = lines("Content-Type: multipart/mixed; boundary=out", "", "--out")
        inner = lines("", "Content-Type: multipart/mixed; boundary=in", "", "--in", "")
        content += inner + lines("", "one", "--out", "", "two", "--in", "two as well", "--in--", "--out")
        content += inner + lines("", "three", "--in--", "--out--", "")
        self.assertEqual(bodies(content, scan(content)), [b"one", b"two\r\n--in\r\ntwo as well\r\n--in--", b"three"])

    def test_same_boundary_inside(self) -> None:
        """A boundary that is in use divides the outer multipart."""
        content = lines("Content-Type: multipart/mixed; boundary=b", "", "--b", "Content-Type: multipart/x; boundary=b")
        content += lines("", "", "--b", "", "x", "--b--", "")
        root = scan(content)
        self.assertEqual([part.content_type for part in root.children], ["multipart/x", "text/plain"])

    def test_broken_stays_whole(self) -> None:
        """Without a boundary, or without any delimiter, or encoded against the rules, a multipart has no children."""
        for head in ("Content-Type: multipart/mixed", 'Content-Type: multipart/mixed; boundary=""'):
            self.assertEqual(scan(lines(head, "", "--", "", "x", "----", "")).children, ())
        self.assertEqual(scan(lines("Content-Type: multipart/mixed; boundary=b", "", "x")).children, ())
        encoded = ("Content-Type: multipart/mixed; boundary=b", "Content-Transfer-Encoding: base64")
        self.assertEqual(scan(lines(*encoded, "", "--b", "", "x", "--b--", "")).children, ())

    def test_parts_without_a_body(self) -> None:
        """A delimiter right behind the fields of a part, or in place of them, ends that part."""
        content = lines(
            "Content-Type: multipart/mixed; boundary=b", "", "--b", "Content-Type: text/html", "--b", "--b", ""
        )
        content += lines("", "x", "--b--")
        root = scan(content)
        self.assertEqual([part.content_type for part in root.children], ["text/html", "text/plain", "text/plain"])
        self.assertEqual(bodies(content, root), [b"", b"", b"x"])
        self.assertTrue(all(part.body_start <= part.end for part in root.walk()))

    def test_digest(self) -> None:
        """In a digest a part without a type is an attached message."""
        content = lines("Content-Type: multipart/digest; boundary=b", "", "--b", "", "Subject: x", "", "y", "--b--", "")
        message = scan(content).children[0]
        self.assertEqual(message.content_type, "message/rfc822")
        self.assertTrue(message.children[0].is_attached)
        self.assertFalse(message.is_attached)

    def test_depth(self) -> None:
        """A hundred levels are read, one more is refused; multiparts and attached messages count alike."""
        self.assertEqual(sum(1 for _ in scan(nested(100)).walk()), 101)
        with self.assertRaises(TooDeep):
            scan(nested(101))
        with self.assertRaises(TooDeep):
            scan(b"Content-Type: message/rfc822\r\n\r\n" * 101)
        self.assertEqual(scan(nested(3), max_depth=3).content_type, "multipart/mixed")
        with self.assertRaises(TooDeep):
            scan(nested(3), max_depth=2)

    def test_flood(self) -> None:
        """A message of more parts than anyone writes is left whole."""
        head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        self.assertEqual(len(scan(head + b"--b\r\n\r\nx\r\n" * 100).children), 100)
        self.assertEqual(scan(head + b"--b\r\n\r\nx\r\n" * (MAX_PARTS + 1)).children, ())
        for count, parts in ((MAX_LINES - 2, 1), (MAX_LINES, 0)):
            self.assertEqual(len(scan(head + b"--b\r\n" + b"\r\n--" * count + b"\r\n--b--").children), parts)

    def test_hostile_sizes(self) -> None:
        """100 000 delimiters, fields, or lines that look like both are read in one pass, or this hangs."""
        head = b"Content-Type: multipart/mixed; boundary="
        for unit in (b"\r\n--b:c", b"\r\n--b:c\r\nA: b", b"\r\n--" + b"-" * 10, b"\r\n--b:c\r\n" + head + b"b:c"):
            self.assertEqual(scan(head + b'"b:c"\r\n' + unit * 100_000).children, ())
        self.assertEqual(scan(b"A: b\r\n" * 100_000).header_end, 600_000)
        self.assertEqual(scan(b"A: b\r\n c" + b"\r\n c" * 100_000).end, 400_008)

    @given(
        st.lists(
            st.sampled_from(
                (
                    b"\r\n",
                    b"--a",
                    b"--b",
                    b"--",
                    b"x",
                    b" ",
                    b"\xff",
                    b"A: b",
                    b"Content-Type: multipart/mixed; boundary=a\r\n\r\n",
                    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n",
                    b"Content-Type: message/rfc822\r\n\r\n",
                )
            ),
            max_size=25,
        ).map(b"".join)
    )
    @settings(max_examples=200)
    def test_places_are_in_order(self, content: bytes) -> None:
        """Whatever stands there, parts lie inside their container, one behind the other."""
        for part in scan(content).walk():
            self.assertTrue(part.start <= part.header_end <= part.body_start <= part.end <= len(content))
            position = part.body_start
            for child in part.children:
                self.assertLessEqual(position, child.start)
                position = child.end
            self.assertLessEqual(position, part.end)


class EditableTests(SynchronousTestCase):
    """What may be changed."""

    def editable(self, *fields: str, body: str = "<p>") -> bool:
        return bool(editable_html_parts(scan(lines(*fields, "", body))))

    def test_only_what_is_read(self) -> None:
        """Of a newsletter with files and an attached message it is the HTML body only."""
        content = newsletter()
        parts = editable_html_parts(scan(content))
        self.assertEqual([content[part.body_start : part.end] for part in parts], [b"<p>html</p>\r\n"])

    def test_deep_in_an_attached_message(self) -> None:
        """All that an attached message consists of is attached, however it is divided; what follows it is not."""
        content = lines("Content-Type: multipart/mixed; boundary=a", "", "--a", "Content-Type: message/rfc822", "")
        content += lines("", "Content-Type: multipart/mixed; boundary=b", "", "--b")
        content += lines("", "Content-Type: multipart/alternative; boundary=c", "", "--c", "Content-Type: text/html")
        content += lines("", "", "inner", "--c--", "--b--", "--a", "Content-Type: text/html", "", "outer", "--a--")
        parts = editable_html_parts(scan(content))
        self.assertEqual([content[part.body_start : part.end] for part in parts], [b"outer"])

    def test_fields(self) -> None:
        """Inline HTML in a known encoding may be changed; files and unknown encodings may not."""
        html = "Content-Type: text/html"
        self.assertTrue(self.editable(html))
        self.assertTrue(self.editable(html, "Content-Disposition: inline"))
        for encoding in ("7bit", "8BIT", "binary", "base64", "quoted-printable"):
            self.assertTrue(self.editable(html, f"Content-Transfer-Encoding: {encoding}"))
        self.assertFalse(self.editable(html, "Content-Transfer-Encoding: x-uuencode"))
        self.assertFalse(self.editable(html, "Content-Disposition: attachment"))
        self.assertFalse(self.editable(html, "Content-Disposition: inline; filename=x.html"))
        self.assertFalse(self.editable("Content-Type: text/plain"))

    def test_signed_and_encrypted(self) -> None:
        """Nothing below multipart/signed or multipart/encrypted, and no text with PGP in it."""
        for kind in ("signed", "encrypted"):
            content = lines(
                f"Content-Type: multipart/{kind}; boundary=b", "", "--b", "Content-Type: text/html", "", "<p>"
            )
            content += b"\r\n--b--\r\n"
            root = scan(content)
            self.assertTrue(root.children[0].is_protected)
            self.assertEqual(list(editable_html_parts(root)), [])
        html = "Content-Type: text/html"
        self.assertFalse(self.editable(html, body="-----BEGIN PGP SIGNED MESSAGE-----"))
        self.assertFalse(self.editable(html, body="hello\r\n-----BEGIN PGP MESSAGE-----"))
        self.assertFalse(
            self.editable(html, "Content-Transfer-Encoding: base64", body="LS0tLS1CRUdJTiBQR1AgTUVTU0FHRS0tLS0t")
        )
        self.assertTrue(self.editable(html, body="about -----BEGIN PGP MESSAGE-----"))
        self.assertTrue(
            scan(lines("Content-Type: application/pkcs7-mime; smime-type=signed-data", "", "x")).is_protected
        )


class SpliceTests(SynchronousTestCase):
    """Changing slices."""

    def test_splice(self) -> None:
        """Slices are replaced in any order, the rest stays; insertions at one place keep their order."""
        self.assertEqual(splice(b"abcdef", [(4, 6, b"Z"), (0, 1, b""), (2, 2, b"1"), (2, 2, b"2")]), b"b12cdZ")
        content = b"abc"
        self.assertIs(splice(content, []), content)

    def test_overlap(self) -> None:
        """Edits that overlap or lie outside are a mistake."""
        for edits in ([(0, 2, b""), (1, 3, b"")], [(2, 9, b"")], [(2, 1, b"")]):
            with self.assertRaises(ValueError):
                splice(b"abc", edits)
