"""Tests for L{smtpeter.mime.compose}."""

from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.addresses import sender_address
from smtpeter.mime.compose import MAX_ADDRESSES, MAX_EXTRA, MAX_VALUE, NotComposable, compose
from smtpeter.mime.document import editable_html_parts
from smtpeter.mime.faults import MAX_FAULTS, Fault
from smtpeter.mime.headers import read_headers
from smtpeter.mime.limits import MAX_HEADER_BYTES, read_within_limits
from smtpeter.mime.scanner import scan
from smtpeter.mime.wire import has_bare_newline, has_long_line
from smtpeter.mime.words import decode_text
from smtpeter.model.composition import Attachment, Composition, Unsubscribe

CHANCE = b"0123456789abcdef"
PLAIN = Composition(sender="Shop <shop@x.example>", to="joe@y.example", subject="Hi", text="Hello")
LOGO = Attachment(data=b"\x89PNG\r\n\x00", name="logo.png", type="image/png", cid="logo")
BILL = Attachment(data=b"%PDF\n\xff", name="bill.pdf")

BREAKS = ("\r", "\n", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x00", "\ud800", "\x1b")
"""What ends a line in some program, or must not be in a header."""
ENCODED = "=?utf-8?q?a=0D=0ABcc=3A_e=40evil.example?="

PLACES: dict[str, Callable[[str], Composition]] = {
    "from": lambda text: evolve(PLAIN, sender=f"Shop{text} <shop@x.example>"),
    "to": lambda text: evolve(PLAIN, to=f"Joe{text} <joe@y.example>"),
    "to[1]": lambda text: evolve(PLAIN, to=("a@y.example", f"joe@y.example{text}")),
    "cc": lambda text: evolve(PLAIN, cc=f"{text}joe@y.example"),
    "replyto": lambda text: evolve(PLAIN, replyto=f'"Joe{text}" <joe@y.example>'),
    "subject": lambda text: evolve(PLAIN, subject=f"Hi{text}Bcc: e@evil.example"),
    "extra.x-a": lambda text: evolve(PLAIN, extra=(("x-a", f"b{text}Bcc: e@evil.example"),)),
    "unsubscribe.email": lambda text: evolve(PLAIN, unsubscribe=Unsubscribe(email=f"a{text}@y.example")),
    "unsubscribe.url": lambda text: evolve(PLAIN, unsubscribe=Unsubscribe(url=f"https://y.example/{text}")),
    "attachments[0].name": lambda text: evolve(PLAIN, attachments=(evolve(BILL, name=f"a{text}.pdf"),)),
    "attachments[0].type": lambda text: evolve(PLAIN, attachments=(evolve(BILL, type=f"text/a{text}"),)),
    "attachments[0].cid": lambda text: evolve(PLAIN, attachments=(evolve(LOGO, cid=f"a{text}"),)),
}

_HOSTILE = st.lists(
    st.sampled_from([*BREAKS, ENCODED, *'<>,;:"\\()@= \tab-ü', "Bcc: e@evil.example", "a@b.example", "--", "=?"])
    | st.sampled_from("abc."),
    max_size=5,
).map("".join)
"""Strings of what could end, begin or hide something."""


def parsed(composition: Composition, chance: bytes = CHANCE) -> EmailMessage:
    """The message as the standard library reads it."""
    message = message_from_bytes(compose(composition, chance), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def shape(message: EmailMessage) -> object:
    """The types of a message and its parts."""
    if not message.is_multipart() or message.get_content_maintype() == "message":
        return message.get_content_type()
    return [
        message.get_content_subtype(),
        *(shape(part) for part in message.iter_parts() if isinstance(part, EmailMessage)),
    ]


def faults(composition: Composition) -> tuple[Fault, ...]:
    """What is wrong with it."""
    try:
        compose(composition, CHANCE)
    except NotComposable as refusal:
        return refusal.faults
    return ()


def fields(faulty: Composition) -> list[str]:
    """Where it is wrong."""
    return [fault.field for fault in faults(faulty)]


def names(content: bytes) -> list[str]:
    """The names of all fields of the header."""
    return [field.name for field in read_headers(content).fields]


class ShapeTests(SynchronousTestCase):
    """What parts there are."""

    def test_text_only(self) -> None:
        """A text is the body; the header has what was given and MIME's own fields, and no more."""
        content = compose(PLAIN, CHANCE)
        self.assertEqual(
            content,
            b"From: Shop <shop@x.example>\r\nTo: joe@y.example\r\nSubject: Hi\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\nHello\r\n",
        )

    def test_shapes(self) -> None:
        """Both texts are alternatives, embedded files belong to the HTML, attached ones stand behind all."""
        both = evolve(PLAIN, html="<p>Hello")
        html = evolve(both, text=None)
        for composition, files, expected in (
            (html, (), "text/html"),
            (both, (), ["alternative", "text/plain", "text/html"]),
            (html, (LOGO,), ["related", "text/html", "image/png"]),
            (both, (LOGO,), ["alternative", "text/plain", ["related", "text/html", "image/png"]]),
            (PLAIN, (BILL,), ["mixed", "text/plain", "application/pdf"]),
            (PLAIN, (LOGO, BILL), ["mixed", "text/plain", "image/png", "application/pdf"]),
            (
                both,
                (BILL, LOGO, BILL),
                [
                    "mixed",
                    ["alternative", "text/plain", ["related", "text/html", "image/png"]],
                    "application/pdf",
                    "application/pdf",
                ],
            ),
        ):
            self.assertEqual(shape(parsed(evolve(composition, attachments=files))), expected)

    def test_files(self) -> None:
        """Files keep their bytes, names and types; an embedded one is inline and has its content id."""
        message = parsed(evolve(PLAIN, html="<img src=cid:logo>", attachments=(LOGO, BILL)))
        logo, bill = [part for part in message.walk() if part.get_filename()]
        self.assertEqual((logo.get_payload(decode=True), bill.get_payload(decode=True)), (LOGO.data, BILL.data))
        self.assertEqual((logo.get_filename(), bill.get_filename()), ("logo.png", "bill.pdf"))
        self.assertEqual((logo.get_content_disposition(), bill.get_content_disposition()), ("inline", "attachment"))
        self.assertEqual((logo["Content-ID"], bill["Content-ID"]), ("<logo>", None))
        related = next(part for part in message.walk() if part.get_content_type() == "multipart/related")
        self.assertEqual(related.get_param("type"), "text/html")

    def test_boundary_in_content(self) -> None:
        """Where a boundary stands in the content, or was made to, another one is taken."""
        composition = evolve(PLAIN, html="<p>Hello")
        boundary = parsed(composition).get_boundary()
        hostile = evolve(composition, text=f"--{boundary}--")
        self.assertNotEqual(parsed(hostile).get_boundary(), boundary)
        self.assertEqual(shape(parsed(hostile)), ["alternative", "text/plain", "text/html"])

    def test_chance(self) -> None:
        """Boundaries follow from chance alone."""
        composition = evolve(PLAIN, html="<p>Hello")
        self.assertEqual(compose(composition, CHANCE), compose(composition, CHANCE))
        self.assertNotEqual(parsed(composition).get_boundary(), parsed(composition, b"another").get_boundary())


class HeaderTests(SynchronousTestCase):
    """The fields of the header."""

    def test_addresses(self) -> None:
        """Strings and arrays with names, commas and quotes become regular lists; domains are written in ASCII."""
        content = compose(
            evolve(
                PLAIN,
                sender="Müller, Jürgen <j@bücher.example>",
                to='"Doe, Joe" <joe@y.example>, sue@y.example',
                cc=("Max <max@y.example>", "a@y.example, b@y.example"),
                replyto="Ünï <r@y.example>",
            ),
            CHANCE,
        )
        message = message_from_bytes(content, policy=policy.default)
        self.assertEqual(
            [(each.display_name, each.addr_spec) for each in message["From"].addresses],
            [("Müller, Jürgen", "j@xn--bcher-kva.example")],
        )
        self.assertEqual(
            [(each.display_name, each.addr_spec) for each in message["To"].addresses],
            [("Doe, Joe", "joe@y.example"), ("", "sue@y.example")],
        )
        self.assertEqual(message["Cc"], "Max <max@y.example>, a@y.example, b@y.example")
        self.assertEqual(message["Reply-To"].addresses[0].display_name, "Ünï")
        self.assertEqual(sender_address(read_headers(content)), "j@xn--bcher-kva.example")

    def test_unsubscribe(self) -> None:
        """One-click needs both fields (RFC 8058)."""
        message = parsed(
            evolve(
                PLAIN, unsubscribe=Unsubscribe(email="out@x.example", url="https://x.example/u?a=b,c", is_oneclick=True)
            )
        )
        self.assertEqual(message["List-Unsubscribe"], "<https://x.example/u?a=b,c>, <mailto:out@x.example>")
        self.assertEqual(message["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
        message = parsed(evolve(PLAIN, unsubscribe=Unsubscribe(email='"a>, <b"@x.example')))
        self.assertEqual(message["List-Unsubscribe"], "<mailto:%22a%3E%2C%20%3Cb%22@x.example>")
        self.assertIsNone(message["List-Unsubscribe-Post"])

    def test_odd_urls(self) -> None:
        """A URL stays in its brackets and means the same; nothing in it can be taken for an encoded word."""
        for url, written in (
            ("HTTPS://x.example/>,<mailto:e@x.example", "https://x.example/%3E,%3Cmailto:e@x.example"),
            ("https://ü.example:8443?ö=%20 x", "https://xn--tda.example:8443?%C3%B6=%20%20x"),
            ("https://x.example/a=?b=?c", "https://x.example/a%3D?b=%3Fc"),
            ("https://x.example", "https://x.example"),
        ):
            message = parsed(evolve(PLAIN, unsubscribe=Unsubscribe(url=url)))
            self.assertEqual(message["List-Unsubscribe"], f"<{written}>")

    def test_absent(self) -> None:
        """What is not given is not there; an empty subject is."""
        self.assertEqual(
            names(compose(Composition(sender="a@x.example", text=""), CHANCE)),
            ["From", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"],
        )
        self.assertEqual(parsed(evolve(PLAIN, subject=""))["Subject"], "")

    def test_extra(self) -> None:
        """Extra headers keep their names and their order."""
        given_headers = (("X-B", "ü  ü"), ("x-a", "v"), ("X-B", ""), ("X-C", " a  b "), ("X-D", "d" * 3000))
        content = compose(evolve(PLAIN, extra=given_headers), CHANCE)
        extra = [(each.name, decode_text(each.raw)) for each in read_headers(content).fields if each.key[:2] == "x-"]
        self.assertEqual(extra, [*given_headers])
        self.assertFalse(has_long_line(content))

    @given(
        st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=300),
        st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=300),
    )
    @settings(max_examples=100, deadline=None)
    def test_text_round_trip(self, subject: str, value: str) -> None:
        """Any subject and any value is read back as it was, its white space included, from lines of at most 78."""
        content = compose(evolve(PLAIN, subject=subject, extra=(("X-Value", value),)), CHANCE)
        fields = read_headers(content)
        for name, text in (("Subject", subject), ("X-Value", value)):
            field = fields.named(name)[0]
            self.assertEqual(decode_text(field.raw), text)
            if max(map(len, text.split(" "))) < 60:
                self.assertFalse(has_long_line(field.raw, 78))
        self.assertEqual(parsed(evolve(PLAIN, subject=subject))["Subject"], subject)


class AcceptedTests(SynchronousTestCase):
    """What is composed goes on as any other message does."""

    def test_accepted(self) -> None:
        """It is within the limits, its sender is found, and its HTML is what is changed for tracking."""
        content = compose(evolve(PLAIN, html="<p>Grüße", attachments=(LOGO, BILL)), CHANCE)
        self.assertEqual(sender_address(read_within_limits(content)), "shop@x.example")
        self.assertEqual([part.content_type for part in editable_html_parts(scan(content))], ["text/html"])

    def test_international_local_part(self) -> None:
        """It can only stand in UTF-8 (RFC 6532); everything else stays ASCII."""
        content = compose(evolve(PLAIN, sender="Jürgen <jürgen@bücher.example>"), CHANCE)
        self.assertEqual(sender_address(read_headers(content)), "jürgen@xn--bcher-kva.example")
        self.assertTrue(content.replace("jürgen".encode(), b"").isascii())


class ContentTests(SynchronousTestCase):
    """Texts and files are read back as they were given."""

    @given(
        text=st.text(st.characters(exclude_categories=["Cs"]), max_size=400),
        html=st.text(st.characters(exclude_categories=["Cs"]), max_size=400),
        data=st.binary(max_size=400),
        name=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=120),
        cid=st.from_regex(r"[a-z0-9._-]{1,30}(@[a-z0-9.]{1,20})?", fullmatch=True),
    )
    @settings(max_examples=120, deadline=None)
    def test_round_trip(self, text: str, html: str, data: bytes, name: str, cid: str) -> None:
        """With whatever is in them; all lines are short, and servers without 8BITMIME take it."""
        attached = Attachment(data=data, name=name, type="application/x-any")
        content = compose(
            evolve(PLAIN, text=text, html=html, attachments=(attached, evolve(attached, cid=cid))), CHANCE
        )
        self.assertTrue(content.isascii())
        self.assertFalse(has_bare_newline(content))
        self.assertFalse(has_long_line(content, 78))
        message = message_from_bytes(content, policy=policy.default)
        plain, markup, embedded, last = [part for part in message.walk() if not part.is_multipart()]
        for part, given_text in ((plain, text), (markup, html)):
            octets = part.get_payload(decode=True)
            assert isinstance(octets, bytes)
            expected = given_text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
            self.assertEqual(octets.decode().replace("\r\n", "\n"), expected.replace("\r\n", "\n"))
        for part in (embedded, last):
            self.assertEqual(part.get_payload(decode=True), data)
            self.assertEqual(part.get_filename(), name.strip())
        self.assertEqual(embedded["Content-ID"], f"<{cid}>")
        self.assertEqual([part.filename for part in scan(content).walk() if part.filename], [name, name])

    def test_encodings(self) -> None:
        """Plain text stays readable; some letters beyond ASCII are quoted, many make base64; long lines are quoted."""
        for text, encoding in (
            ("Hello\nJoe\t", "7bit"),
            ("Viele Grüße aus Köln am Rhein", "quoted-printable"),
            ("日本語のテキスト", "base64"),
            ("word " * 20, "quoted-printable"),
            ("NUL \x00", "quoted-printable"),
        ):
            message = parsed(evolve(PLAIN, text=text))
            self.assertEqual(message["Content-Transfer-Encoding"], encoding, text)
            self.assertEqual(message.get_content().replace("\r\n", "\n").removesuffix("\n"), text)


class InjectionTests(SynchronousTestCase):
    """Nothing in a value becomes a field, an address or a part."""

    def test_line_ends_everywhere(self) -> None:
        """Whatever ends a line in some program is refused in every value, with the value's place."""
        for place, made_of in PLACES.items():
            for text in BREAKS:
                found = faults(made_of(text))
                self.assertEqual([fault.field for fault in found], [place], (place, text))
                self.assertIn(f"U+{ord(text[0]):04X}", found[0].message)
                self.assertTrue(found[0].message.isprintable())

    def test_encoded_line_ends_everywhere(self) -> None:
        """An encoded word with a line end in it is refused, or is only what it looks like to whoever decodes it."""
        refused = set()
        for place, made_of in PLACES.items():
            if faults(made_of(ENCODED)):
                refused.add(place)
                continue
            content = compose(made_of(ENCODED), CHANCE)
            self.assertEqual(names(content), names(compose(made_of(""), CHANCE)), place)
            self.assertNotIn(ENCODED.encode(), content)
            for header in message_from_bytes(content, policy=policy.default).values():
                self.assertNotIn("\n", header)
            for header in message_from_bytes(content).values():
                self.assertNotIn("\nBcc", header)
        self.assertEqual(refused, {"to[1]", "cc", "unsubscribe.email", "attachments[0].cid", "attachments[0].type"})

    def test_names_of_headers(self) -> None:
        """Only what begins with x- and can be a name is one; the place in the fault is escaped."""
        for name in ("Bcc", "subject", "x-", "", "x-a:", "x-a b", "x-ä", "x-" + "a" * 75, *(f"x-a{b}" for b in BREAKS)):
            found = faults(evolve(PLAIN, extra=((name, "v"),)))
            self.assertEqual(len(found), 1, name)
            self.assertTrue(found[0].field.startswith("extra"))
            self.assertTrue(found[0].field.isprintable() and found[0].message.isprintable())
        self.assertEqual(fields(evolve(PLAIN, extra=(("x-a\r\nBcc", "v"),))), ['extra["x-a\\r\\nBcc"]'])

    def test_commands_in_addresses(self) -> None:
        """Addresses that carry commands or more addresses are refused."""
        for text in (
            "a@b.example>\r\nRCPT TO:<c@d.example",
            "a@b.example> RCPT TO:<c@d.example",
            "<a@b.example> SIZE=1",
            "<a@b.example><c@d.example>",
            "a@b.example <c@d.example> e@f.example",
            "a@b.example>, <c@d.example",
            "a@b.example c@d.example",
            "joe",
            "<>",
            "@b.example:a@d.example",
            "undisclosed-recipients:;",
            '"a@b.example',
            '"' + '\\"' * 400,
            f"{ENCODED} <{ENCODED}@b.example>",
        ):
            for place, composition in (
                ("from", evolve(PLAIN, sender=text)),
                ("to", evolve(PLAIN, to=text)),
                ("cc[0]", evolve(PLAIN, cc=(text,))),
                ("replyto", evolve(PLAIN, replyto=text)),
            ):
                self.assertEqual(set(fields(composition)), {place}, text)

    def test_exact_headers(self) -> None:
        """With values that look like fields, the header has the given ones only."""
        composition = Composition(
            sender='"Bcc: x" <shop@x.example>',
            to="Bcc: e@evil.example <joe@y.example>",
            subject="Bcc: e@evil.example",
            extra=(("x-a", "Bcc: e@evil.example " * 40),),
            text="Bcc: e@evil.example\r\n\r\nBcc: e@evil.example",
        )
        self.assertEqual(
            names(compose(composition, CHANCE)),
            ["From", "To", "Subject", "x-a", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"],
        )

    @given(st.dictionaries(st.integers(0, 11), _HOSTILE, min_size=1, max_size=3))
    @settings(max_examples=300, deadline=None)
    def test_anything(self, hostile: dict[int, str]) -> None:
        """Whatever the strings are: faults with their places, or exactly the given fields and parts."""
        name, address, subject, value, key, email, url, text, html, file, kind, cid = (
            hostile.get(number, "a" if number == 4 else "") for number in range(12)
        )
        composition = Composition(
            sender=f"{name}<a@x.example>",
            to=(address, f"{name} <b@x.example>"),
            subject=subject,
            text=text,
            html=html,
            extra=((f"x-{key}", value),),
            unsubscribe=Unsubscribe(email=email, url=url),
            attachments=(Attachment(data=b"a", name=file, type=f"a/b{kind}"), Attachment(data=b"b", cid=f"c{cid}")),
        )
        try:
            content = compose(composition, CHANCE)
        except NotComposable as refusal:
            for fault in refusal.faults:
                self.assertRegex(fault.field, r"\A(?:from|to|subject|text|html|extra|unsubscribe|attachments)\b")
                self.assertTrue(fault.field.isprintable() and fault.message.startswith(fault.field + " "))
            return
        expected = ["From", "To", "Subject", *(["List-Unsubscribe"] if email or url else []), f"x-{key}"]
        self.assertEqual(names(content), [*expected, "MIME-Version", "Content-Type"])
        media_type = f"a/b{kind}".partition(";")[0].strip(" \t")
        related = ["related", "text/html", "application/octet-stream"]
        self.assertEqual(shape(parsed(composition)), ["mixed", ["alternative", "text/plain", related], media_type])
        self.assertEqual([each.addr_spec for each in parsed(composition)["From"].addresses], ["a@x.example"])


class FaultTests(SynchronousTestCase):
    """All that is wrong is told."""

    def test_all_at_once(self) -> None:
        """Every fault has its place."""
        self.assertEqual(
            fields(
                Composition(
                    sender=("a@x.example", "b@x.example"),
                    to=("ok@x.example", "no", "a@b.example>x, also no"),
                    subject="\0",
                    extra=(("x-a", "\n"), ("y", "")),
                    unsubscribe=Unsubscribe(url="javascript:x", is_oneclick=True),
                    attachments=(BILL, Attachment(data=b"", name="\n", type="text", cid="<>"), LOGO, LOGO),
                )
            ),
            [
                "from",
                "to[1]",
                "to[2]",
                "to[2]",
                "subject",
                "unsubscribe.url",
                "extra.x-a",
                "extra.y",
                "text",
                "attachments[1].name",
                "attachments[1].type",
                "attachments[1].cid",
                "attachments[3].cid",
            ],
        )

    def test_sender(self) -> None:
        """From is one address that can be read in one way only."""
        self.assertEqual([fault.message for fault in faults(evolve(PLAIN, sender=()))], ["from is missing"])
        self.assertEqual(fields(evolve(PLAIN, sender="a@x.example, b@x.example")), ["from"])
        self.assertEqual(fields(evolve(PLAIN, sender="a\uff0cb@x.example")), ["from"])

    def test_files(self) -> None:
        """A file's name has no tab and at most 255 characters."""
        for name in ("a\tb", "a" * 256):
            self.assertEqual(fields(evolve(PLAIN, attachments=(evolve(BILL, name=name),))), ["attachments[0].name"])
        self.assertEqual(fields(evolve(PLAIN, attachments=(evolve(BILL, name="a" * 255),))), [])

    def test_texts(self) -> None:
        """Text or HTML is needed, and neither has half a character."""
        self.assertEqual(fields(evolve(PLAIN, text=None)), ["text"])
        self.assertEqual(fields(evolve(PLAIN, text="\ud800", html="\udfff")), ["text", "html"])

    def test_unsubscribe(self) -> None:
        """One-click is over https; the other ways are http URLs and pure addresses."""
        for unsubscribe, expected in (
            (Unsubscribe(is_oneclick=True, email="a@x.example"), ["unsubscribe.oneclick"]),
            (Unsubscribe(is_oneclick=True, url="http://x.example"), ["unsubscribe.url"]),
            (Unsubscribe(url="https://x.example/>,<mailto:e@x.example"), []),
            (Unsubscribe(url="https://"), ["unsubscribe.url"]),
            (Unsubscribe(url="https://a@x.example/"), ["unsubscribe.url"]),
            (Unsubscribe(url="https://x.example/" + "ü" * 400), ["unsubscribe.url"]),
            (Unsubscribe(url="https://\u2800.example/"), ["unsubscribe.url"]),
            (Unsubscribe(email="Joe <a@x.example>"), ["unsubscribe.email"]),
            (Unsubscribe(), []),
        ):
            self.assertEqual(fields(evolve(PLAIN, unsubscribe=unsubscribe)), expected, unsubscribe)

    def test_limits(self) -> None:
        """What would make an endless header is refused, and the faults themselves are not endless."""
        self.assertEqual(fields(evolve(PLAIN, subject="a" * (MAX_VALUE + 1))), ["subject"])
        self.assertEqual(
            faults(evolve(PLAIN, to=("a@b.example",) * (MAX_ADDRESSES // 10))),
            (Fault("to", f"to has more than {MAX_ADDRESSES} characters"),),
        )
        self.assertEqual(
            faults(evolve(PLAIN, extra=(("x-a", "b" * MAX_VALUE),) * 16)),
            (Fault("extra", f"extra has more than {MAX_HEADER_BYTES} characters"),),
        )
        self.assertEqual(fields(evolve(PLAIN, extra=(("x-a", ""),) * (MAX_EXTRA + 1))), ["extra"])
        self.assertEqual(fields(evolve(PLAIN, extra=(("x-a", "b" * 800 + " b" * 7600),) * 15)), [])
        self.assertEqual(fields(evolve(PLAIN, extra=(("x-a", "ü" * MAX_VALUE),) * 8)), ["extra"])
        many = "ü <a@x.example>," * (MAX_ADDRESSES // 16)
        self.assertEqual(fields(evolve(PLAIN, to=many, cc=many)), ["to"])
        self.assertEqual(fields(evolve(PLAIN, attachments=(BILL,) * 1001)), ["attachments"])
        self.assertEqual(len(faults(evolve(PLAIN, to="no@, " * 1000))), MAX_FAULTS)
