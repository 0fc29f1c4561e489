"""Tests for L{smtpeter.mime.mailboxes}."""

from email.utils import getaddresses

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.headers import read_headers
from smtpeter.mime.mailboxes import MAX_NAME, Mailbox, read_address, read_mailboxes, write_mailboxes
from smtpeter.mime.words import decode_text
from smtpeter.model.address import AddressError

_LETTERS = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])


class ReadTests(SynchronousTestCase):
    """Reading what people write."""

    def assertReads(self, text: str, *expected: tuple[str, str]) -> None:
        """It is read without a complaint."""
        self.assertEqual(read_mailboxes(text), ([Mailbox(*each) for each in expected], []), text)

    def test_regular(self) -> None:
        """Pure addresses, names with and without quotes, lists."""
        self.assertReads("joe@x.example", ("", "joe@x.example"))
        self.assertReads(" Joe  B. <joe@x.example> ", ("Joe B.", "joe@x.example"))
        self.assertReads('"Doe, \\"J\\" <x@y>" <joe@x.example>', ('Doe, "J" <x@y>', "joe@x.example"))
        self.assertReads('"joe x"@x.example, <sue@X.example>', ("", '"joe x"@x.example'), ("", "sue@x.example"))
        self.assertReads("", *())
        self.assertReads(" , joe@x.example,\t,", ("", "joe@x.example"))

    def test_lenient(self) -> None:
        """A comma in a name, brackets around a remark and an address as a name need no quotes."""
        self.assertReads("Doe, Joe <joe@x.example>", ("Doe, Joe", "joe@x.example"))
        self.assertReads("a@x.example, Doe, Joe <b@x.example>", ("", "a@x.example"), ("Doe, Joe", "b@x.example"))
        self.assertReads("Joe (sales) <joe@x.example>", ("Joe (sales)", "joe@x.example"))
        self.assertReads("joe@x.example <joe@x.example>", ("joe@x.example", "joe@x.example"))

    def test_international(self) -> None:
        """Domains become A-labels; a local part and a name stay as they are."""
        self.assertReads("Jürgen <jürgen@Bücher.example>", ("Jürgen", "jürgen@xn--bcher-kva.example"))

    def test_problems(self) -> None:
        """What has no one meaning is told, and the rest is read all the same."""
        for text, problem in (
            ("joe", 'contains "joe", which is no address: the address is not of the form local@domain'),
            ("Joe <a@b", "contains < without >"),
            ('"Joe <a@b>', "contains a quote that is not closed"),
            ("<a@b> x", 'contains something behind the address "a@b"'),
            ("<a@b> <c@d>", 'contains something behind the address "a@b"'),
            ("c@d> <a@b>", 'contains > in front of the address "a@b"'),
            ("n" * (MAX_NAME + 1), f"contains a name longer than {MAX_NAME} characters"),
        ):
            found, problems = read_mailboxes(f"ok@x.example, {text}")
            self.assertEqual((found, problems), ([Mailbox("", "ok@x.example")], [problem]), text)

    def test_pure_address(self) -> None:
        """No encoded word, no control character, no list."""
        for text in ("=?utf-8?q?=0A?=@x.example", "a\n@x.example", "a@x.example,b@x.example", "<a@x.example>"):
            with self.assertRaises(AddressError):
                read_address(text)


class WriteTests(SynchronousTestCase):
    """Writing so that every program reads the same."""

    def test_forms(self) -> None:
        """Words stand bare, punctuation in quotes, everything else in encoded words."""
        for name, written in (
            ("Joe O'Neil", b"Joe O'Neil <a@b>"),
            ('B. "J"', b'"B. \\"J\\"" <a@b>'),
            (
                "B." * 31,
                b"=?utf-8?B?Qi5CLkIuQi5CLkIuQi5CLkIuQi5CLkIuQi5CLkIuQi5CLkIuQi5CLkIu?=\r\n"
                b" =?utf-8?B?Qi5CLkIuQi5CLkIuQi5CLkIuQi4=?= <a@b>",
            ),
            ("Jö", b"=?utf-8?B?SsO2?= <a@b>"),
            ("=?x?=", b"=?utf-8?B?PT94Pz0=?= <a@b>"),
        ):
            self.assertEqual(write_mailboxes("To", [Mailbox(name, "a@b")]), b"To: " + written + b"\r\n")

    @given(st.lists(st.tuples(st.text(_LETTERS, min_size=1, max_size=100), st.sampled_from("abc")), min_size=1))
    @settings(max_examples=100, deadline=None)
    def test_round_trip(self, given_boxes: list[tuple[str, str]]) -> None:
        """Any names are read back by us and by the standard library, from lines of at most 78."""
        boxes = [Mailbox(name.strip(" "), f"{local}@x.example") for name, local in given_boxes]
        field = write_mailboxes("To", boxes)
        self.assertTrue(field.isascii())
        self.assertLessEqual(max(map(len, field.split(b"\r\n"))), 78)
        value = read_headers(field).fields[0].value.decode()
        pairs = [(decode_text(name.encode()), address) for name, address in getaddresses([value])]
        self.assertEqual(pairs, [(box.name, box.address) for box in boxes])

    @given(st.text(_LETTERS, max_size=60))
    @settings(max_examples=200, deadline=None)
    def test_whatever_is_read_can_be_written(self, text: str) -> None:
        """What is read of any text is read again from what is written of it."""
        found, _ = read_mailboxes(text + " <a@x.example>")
        value = read_headers(write_mailboxes("To", found)).fields[0].value.decode()
        again, problems = read_mailboxes(value)
        self.assertEqual(problems, [])
        self.assertEqual([box.address for box in again], [box.address for box in found])
