"""Command lines taken apart."""

from hypothesis import given, settings
from hypothesis.strategies import binary
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.smtpd.commands import read_address, read_command, read_foreign_path, read_path
from smtpeter.smtpd.replies import Rejected, Reply


class Commands(SynchronousTestCase):
    def refusal(self, line: bytes) -> int:
        """The code with which a line is refused."""
        with self.assertRaises(Rejected) as caught:
            read_command(line)
        reply: Reply = caught.exception.reply
        return reply.code

    def test_verbs(self) -> None:
        """A verb may be of any case, blanks around the argument do not count."""
        self.assertEqual(read_command(b"ehlo  Client.Example  "), ("EHLO", "Client.Example"))
        self.assertEqual(read_command(b"NOOP"), ("NOOP", ""))

    def test_hostile_lines(self) -> None:
        """Control characters, octets over 127 and long lines are refused; 8-bit only outside of addresses."""
        for line in (b"NO\0OP", b"EHLO \x01", b"EHLO \xc3\xa9", b"MAIL FROM:<\xff@x>", b"NOOP \r", b"X" * 5000):
            self.assertEqual(self.refusal(line), 500, line)
        self.assertEqual(read_command("MAIL FROM:<é@x>".encode()), ("MAIL", "FROM:<é@x>"))

    def test_http(self) -> None:
        """A line of HTTP is told from a command."""
        for line in (b"GET / HTTP/1.1", b"POST /x HTTP/1.0", b"CONNECT a:25 HTTP/1.1", b"PRI * HTTP/2.0", b"get /"):
            self.assertEqual(self.refusal(line), 554, line)

    @settings(max_examples=200)
    @given(binary(max_size=60))
    def test_any_line(self, line: bytes) -> None:
        """Any line is read or refused, nothing else."""
        try:
            read_command(line)
        except Rejected as rejected:
            self.assertGreaterEqual(rejected.reply.code, 500)


class Paths(SynchronousTestCase):
    def test_paths(self) -> None:
        """Quoted local parts, source routes, empty paths and a blank behind the colon are understood."""
        for argument, address in (
            ("FROM:<>", ""),
            ("from:<a@b.example>", "a@b.example"),
            ("FROM: <a@b.example>", "a@b.example"),
            ('FROM:<"a b>c"@d.example>', '"a b>c"@d.example'),
            (r'FROM:<"a\"b"@d.example>', r'"a\"b"@d.example'),
            ("FROM:<@one.example,@two.example:a@b.example>", "a@b.example"),
            ("FROM:<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]"),
        ):
            self.assertEqual(read_path(argument, "FROM:"), (address, {}))

    def test_parameters(self) -> None:
        """Parameters are read by keyword, of any case."""
        self.assertEqual(
            read_path("TO:<a@b> NOTIFY=NEVER orcpt=rfc822;a@b X", "TO:")[1],
            {"NOTIFY": "NEVER", "ORCPT": "rfc822;a@b", "X": None},
        )

    def test_malformed(self) -> None:
        """Anything else is refused with 501 5.5.4."""
        for argument in (
            "",
            "a@b",
            "TO:<a@b>",
            "FROM:a@b",
            "FROM:<a@b",
            "FROM:<a@b>SIZE=1",
            "FROM:<a@b> SIZE=1 SIZE=2",
            "FROM:<a@b> =1",
            "FROM:<a@b> SIZE=",
            "FROM:<a b@c>",
            "FROM:<a@b> <c@d>",
            'FROM:<"a@b>',
        ):
            with self.assertRaises(Rejected, msg=argument) as caught:
                read_path(argument, "FROM:")
            self.assertEqual((caught.exception.reply.code, caught.exception.reply.enhanced), (501, "5.5.4"))

    def test_long_hostile_paths(self) -> None:
        """Paths without an end are refused, however long."""
        for piece in ("<", '"', "@a,", "\\", '"\\', " ", "=", "a@"):
            for start in ("FROM:<", "FROM:", "FROM:<@a:"):
                with self.assertRaises(Rejected):
                    read_path(start + piece * 4000, "FROM:")

    def test_addresses(self) -> None:
        """Addresses are checked; what is not ASCII needs SMTPUTF8."""
        self.assertEqual(read_address("a@B.example", False, "5.1.3"), "a@b.example")
        for text, enhanced in (("é@b.example", "5.6.7"), ("a..b@c.example", "5.1.3"), ("a", "5.1.3")):
            with self.assertRaises(Rejected) as caught:
                read_address(text, False, "5.1.3")
            self.assertEqual((caught.exception.reply.code, caught.exception.reply.enhanced), (553, enhanced))
        self.assertEqual(read_address("é@b.example", True, "5.1.3"), "é@b.example")

    def test_foreign_paths(self) -> None:
        """Of mail that comes back, reverse-paths may be such as nobody would write to."""
        for text in ("a..b@docomo.example", "x" * 100 + "@ses.example"):
            self.assertEqual(read_foreign_path(text, False), text)
        for text in ("no-address", "x" * 400 + "@long.example", "é@b.example"):
            with self.assertRaises(Rejected):
                read_foreign_path(text, False)
