"""Whose domain may stand in From, over the wire: each way of writing it, and what C{submission.sender_domains} says."""

import re
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.test_smtp_survival import MAIL, QUEUED, SLOW_SECONDS, HouseCase
from tests.support.installation import Installation
from tests.support.sink import Sink
from tests.support.wire import Wire, plain

FOREIGN = (
    b"From: a@evil.example",
    b"From: A Shop <a@evil.example>",
    b"FROM: A@EVIL.EXAMPLE",
    b"fRoM:a@evil.example",
    b"From : a@evil.example",
    b"From\t:\ta@evil.example",
    b"From:\r\n a@evil.example",
    b"From: A\r\n\tShop\r\n <a@evil.example>",
    b"From: (a@shop.example) a@evil.example (a@shop.example)",
    b'From: "a@shop.example" <a@evil.example>',
    b'From: "<a@shop.example>" <a@evil.example>',
    b'From: "a@shop.example"@evil.example',
    b'From: "a\\"@shop.example"@evil.example',
    b"From: a%shop.example@evil.example",
    b"From: shop.example!a@evil.example",
    b"From: =?utf-8?q?a=40shop.example?= <a@evil.example>",
    b"From: =?utf-8?b?PGFAc2hvcC5leGFtcGxlPg==?= <a@evil.example>",
    b"From: J\xfcrgen <a@evil.example>",
    b"From: J\xc3\xbcrgen <a@evil.example>",
    b"Sender: a@shop.example\r\nFrom: a@evil.example",
    b"From: a@evil.example\r\nSender: a@shop.example\r\nReply-To: a@shop.example",
    b"Resent-From: a@shop.example\r\nFrom: a@evil.example",
    b"X-From: a@shop.example\r\nFrom: a@evil.example",
)
"""Each shows the domain C{evil.example}, whatever else it shows."""

OTHERS = {
    b"From: a@sub.shop.example": b"sub.shop.example",
    b"From: a@notshop.example": b"notshop.example",
    b"From: a@example": b"example",
    b"From: a@[127.0.0.1]": b"[127.0.0.1]",
    "From: a@münchen.example".encode(): b"xn--mnchen-3ya.example",
    "From: Ä <ä@MÜNCHEN.Example>".encode(): b"xn--mnchen-3ya.example",
    b"From: a@XN--MNCHEN-3YA.example": b"xn--mnchen-3ya.example",
    "From: a@shоp.example".encode(): b"xn--shp-ted.example",
}
"""The domain that the refusal names; the last one has a Cyrillic letter."""

UNCERTAIN = {
    b"To: a@shop.example": b"no From",
    b"From:": b"no address",
    b"From: <>": b"no address",
    b"From: A Shop": b"no address",
    b"From: a@shop.example\r\nFrom: a@shop.example": b"2 From fields",
    b"From: a@shop.example\r\nX: y\r\nfrom : a@evil.example": b"2 From fields",
    b"From: a@shop.example\rFrom: a@evil.example": b"2 From fields",
    b"From: a@shop.example\nFrom: a@evil.example": b"2 From fields",
    b"From: a@shop.example, a@evil.example": b"more than one",
    b"From: a@shop.example,": b"more than one",
    b"From: Shop, A <a@shop.example>": b"more than one",
    b"From: <a@shop.example> <a@evil.example>": b"more than one",
    b"From: Us: a@shop.example;": b"group",
    b"From: undisclosed-recipients:;": b"group",
    b"From: a@evil.example <a@shop.example>": b"in quotes",
    b"From: <a@shop.example> a@evil.example": b"behind the address",
    b"From: a@evil.example (<a@shop.example>)": b"angle bracket",
    b"From: (a@shop.example": b"no end",
    b"From: a@(evil.example)shop.example": b"a comment",
    b"From: a@shop.\r\n example": b"white space",
    b"From: =?utf-8?q?a=40shop.example?=": b"no address",
    b"From: =?utf-8?q?a=40evil.example=3E?=@shop.example": b"encoded word",
    b"From: <@evil.example:a@shop.example>": b"source route",
    b"From: a@shop.example.": b"cannot be read",
    b"From: a@evil.example@shop.example": b"cannot be read",
    b"From: a@shop.example\0": b"control character",
    b"From: a@shop.example\x0bFrom: a@evil.example": b"control character",
    "From: a@shop.example\x85From: a@evil.example".encode(): b"control character",
    "From: a@shop\u3002example".encode(): b"international",
    "From: a@\uff53hop.example".encode(): b"international",
    "From: a\uff20shop.example".encode(): b"no address",
    "From: a\u200b@shop.example".encode(): b"invisible",
    b"From: a@sh\xf6p.example": b"neither ASCII nor UTF-8",
    b" From: a@evil.example\r\nFrom: a@shop.example": b"no From",
    b"\r\nFrom: a@shop.example": b"no From",
    b"Fr\0om: a@evil.example\r\nFrom: a@shop.example": b"no From",
    b"From: " + b"x" * 2100 + b" <a@shop.example>": b"longer than",
}
"""What two programs could read in two ways, or nobody can: refused though it names the approved domain."""

OURS = (
    b"From: a@shop.example",
    b"FROM: A@SHOP.EXAMPLE",
    b"From: A Shop <a@shop.example>",
    b"From:\r\n A\r\n <a@shop.example>",
    b'From: "Shop, A" <a@shop.example>',
    b'From: "a b"@shop.example',
    b"From: a@shop.example (evil.example)",
    b"From: =?utf-8?q?M=C3=BCnchen?= <a@shop.example>",
    b"From: J\xfcrgen <a@shop.example>",
    b"Sender: a@evil.example\r\nFrom: a@shop.example\r\nReply-To: a@evil.example",
)


class SpellingTests(HouseCase):
    """With C{shop.example} as the only approved domain."""

    def told(self, wire: Wire, header: bytes) -> bytes:
        """What the final dot is answered."""
        wire.say(MAIL + b"RCPT TO:<spelling@y.example>\r\nDATA\r\n", 3)
        return wire.say(header + b"\r\nSubject: s\r\n\r\nx\r\n.\r\n")

    def test_foreign(self) -> None:
        """However a domain that is not approved is written, it is refused by its name."""
        text = b"550 5.7.1 You cannot send mailings from %s without configuring it as sender domain\r\n"
        with self.house.logged_in() as wire:
            for header in FOREIGN:
                self.assertEqual(self.told(wire, header), text % b"evil.example", header)
            for header, domain in OTHERS.items():
                self.assertEqual(self.told(wire, header), text % domain, header)

    def test_uncertain(self) -> None:
        """A message that does not show one certain mailbox is refused, and is told why."""
        with self.house.logged_in() as wire:
            for header, reason in UNCERTAIN.items():
                answer = self.told(wire, header)
                self.assertEqual(answer[:10], b"550 5.7.1 ", header)
                self.assertIn(reason, answer, header)

    def test_ours(self) -> None:
        """Every regular way of writing the approved domain is taken."""
        with self.house.logged_in() as wire:
            for header in OURS:
                self.assertRegex(self.told(wire, header), QUEUED, header)


class ApprovalTests(HouseCase):
    """What an operator says is seen by the running server, in open sessions too."""

    def until(self, wire: Wire, begin: bytes) -> None:
        """The final dot is answered so before long."""
        end = time.monotonic() + SLOW_SECONDS
        while True:
            wire.say(MAIL + b"RCPT TO:<approval@y.example>\r\nDATA\r\n", 3)
            answer = wire.say(b"From: a@later.example\r\n\r\nx\r\n.\r\n")
            if answer.startswith(begin):
                return
            self.assertLess(time.monotonic(), end, answer)
            time.sleep(0.5)

    def domain(self, command: str, *options: str) -> None:
        """An operator's command about the domain."""
        self.house.it.cli("domain", command, "later.example", "--account", "default", *options)

    def test_life(self) -> None:
        """A domain is refused while it is unknown or waits, taken once it is approved, refused when it was deleted."""
        refused = b"550 5.7.1 You cannot send mailings from later.example without "
        with self.house.logged_in() as wire:
            self.until(wire, refused)
            self.domain("add")
            time.sleep(SLOW_SECONDS / 2)
            self.until(wire, refused)
            self.domain("add", "--approve")
            self.until(wire, b"250 2.0.0 ")
            self.domain("delete")
            self.until(wire, refused)

    def test_another_account(self) -> None:
        """The approved domain of one account is none of another's."""
        self.house.it.cli("account", "create", "neighbour")
        made = self.house.it.cli("login", "create", "web", "--account", "neighbour")
        with self.house.logged_in(token=plain(made["username"], made["password"])) as wire:
            wire.say(MAIL + b"RCPT TO:<approval@y.example>\r\nDATA\r\n", 3)
            answer = wire.say(b"From: a@shop.example\r\n\r\nx\r\n.\r\n")
        self.assertEqual(answer[:50], b"550 5.7.1 You cannot send mailings from shop.examp")


class OptionalTests(SynchronousTestCase):
    """C{sender_domains = "optional"}"""

    def test_unsigned(self) -> None:
        """A domain that is unknown passes, unsigned, with the default hosts; an approved one is signed as always."""
        html = b"From: a@%s.example\r\nContent-Type: text/html\r\n\r\n<a href='http://x.example/'>x</a>\r\n.\r\n"
        with Sink() as sink, Installation(sink.port, extra='[submission]\nsender_domains = "optional"\n') as it:
            token = plain(*it.sender("shop.example", "--trackclicks", "--trackbounces"))
            with Wire(it.smtp_port, certificate=it.certificate) as wire:
                wire.reply()
                wire.say(b"EHLO x\r\nSTARTTLS\r\n", 2)
                wire.handshake()
                wire.say(b"EHLO x\r\nAUTH PLAIN " + token + b"\r\n", 2)
                for name in (b"other", b"shop"):
                    wire.say(MAIL + b"RCPT TO:<%s@y.example>\r\nDATA\r\n" % name, 3)
                    self.assertRegex(wire.say(html % name), QUEUED)
            arrived = {one.recipients[0].partition("@")[0]: one for one in sink.wait_for(2)}
            for kind, signatures in (("other", 0), ("shop", 1)):
                content = arrived[kind].content
                self.assertEqual(len(re.findall(rb"(?m)^DKIM-Signature:", content)), signatures)
                self.assertIn(b"href='http://127.0.0.1:%d/" % it.web_port, content)
                self.assertTrue(arrived[kind].reverse_path.endswith("@bounces.localhost"))
            it.stop()
