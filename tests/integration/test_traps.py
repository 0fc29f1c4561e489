"""Where the stock tools do harm (premailer, the email package), with our engine in its process."""

from email import message_from_bytes
from email.policy import SMTP

from premailer import Premailer
from twisted.internet.defer import Deferred

from smtpeter.model.options import Features
from tests.integration.case import ProcessingCase, from_coroutine
from tests.prepare.rig import MESSAGE
from tests.support.newsletters import message

INLINE = Features(inlinecss=True)
EVERYTHING = Features(inlinecss=True, trackclicks=True, trackopens=True, trackbounces=True, preventscam=True)

FRAGILE = (
    '<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01//EN">\r\n<style>p { color: red }\r\n'
    "@media (max-width: 9px) { p { color: blue !important } }</style>\r\n"
    '<p>&nbsp;&eacute; {{ name }} <a href="{{ url }}">a</a> <a href="https://x.example/{{ id }}?a=1&b=2">b</a>'
    "<!--[if mso]><b>&copy;</b><![endif]--><img src='{% image %}'>"
)
ODD_FIELDS = (
    b"To: a@[\r\n",
    b"Message-ID: <\r\n",
    b"Cc: " + b"(" * 1000 + b"\r\n",
    b"Subject: =?utf-8?q?a=0ABcc=3A_e=40x?=\r\n",
)


class TrapTests(ProcessingCase):
    """Each with the stock tool failing."""

    def test_rewritten_text(self) -> "Deferred[None]":
        """Place holders, entities, doctype and conditions keep their bytes; premailer changes most of them."""
        return from_coroutine(self._rewritten())

    async def _rewritten(self) -> None:
        stock = Premailer(FRAGILE, allow_network=False).transform()
        prepared = await self.prepared(message(FRAGILE.encode(), "utf-8"), INLINE)
        sent = (await prepared.render(MESSAGE, False)).decode()
        for text in ("{{ url }}", "{{ id }}?a=1&b=2", "&nbsp;&eacute;", "{% image %}"):
            self.assertNotIn(text, stock)
            self.assertIn(text, sent)
        self.assertIn(FRAGILE.partition("\r\n")[0], sent)
        self.assertIn("<!--[if mso]><b>&copy;</b><![endif]-->", sent)
        self.assertIn('<p style="color:red">', sent)

    def test_important(self) -> "Deferred[None]":
        """A media query keeps its C{!important}, without which the inlined style wins on telephones."""
        return from_coroutine(self._important())

    async def _important(self) -> None:
        prepared = await self.prepared(message(FRAGILE.encode(), "utf-8"), INLINE)
        sent = (await prepared.render(MESSAGE, False)).decode()
        self.assertRegex(sent, r"@media \(max-width: 9px\) \{\s*p \{ color: blue !important \}")

    def test_odd_fields(self) -> "Deferred[None]":
        """Fields that no parser likes go on as they are, in a message that is changed otherwise."""
        return from_coroutine(self._odd())

    async def _odd(self) -> None:
        for field in ODD_FIELDS:
            prepared = await self.prepared(field + message(FRAGILE.encode(), "utf-8"), EVERYTHING)
            self.assertEqual(prepared.warnings, ())
            sent = await prepared.render(MESSAGE, False)
            self.assertIn(b"\r\n" + field, sent)
            self.assertEqual(sent.count(b"Bcc"), field.count(b"Bcc"))
        with self.assertRaises(Exception):  # noqa: B017
            [str(message_from_bytes(field + b"\r\n", policy=SMTP).items()) for field in ODD_FIELDS]
