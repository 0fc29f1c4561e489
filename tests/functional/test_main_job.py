"""A newsletter goes in over STARTTLS and AUTH and comes out processed; its clicks and opens come back."""

import email
import email.policy
import re
import smtplib
import socket
import ssl
import urllib.error
import urllib.request
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import dkim
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from tests.support.installation import Installation
from tests.support.sink import Sink

NEWSLETTER = """\
From: Shop <news@shop.example>\r
To: Ann <ann@customer.example>\r
Subject: =?utf-8?q?Caf=C3=A9?= news\r
X-SMTPeter-TrackClicks: true\r
x-smtpeter-trackopens: yes\r
x-smtpeter-inlinecss: 1\r
X-SMTPeter-Tags: spring, sale\r
X-SMTPETER-Unknown: whatever\r
Bcc: secret@customer.example\r
MIME-Version: 1.0\r
Content-Type: multipart/alternative; boundary=b\r
\r
--b\r
Content-Type: text/plain; charset=utf-8\r
\r
Read http://shop.example/plain\r
--b\r
Content-Type: text/html; charset=utf-8\r
Content-Transfer-Encoding: quoted-printable\r
\r
<html><head><style>p { color: red } @media (max-width: 9px) { p { color: blue =\r
!important } }</style></head>\r
<body><p class=3D"x">Caf=C3=A9 <a href=3D"https://shop.example/spring?a=3D1&amp;b=3D2#top">go=\r
</a></p></body></html>\r
--b--\r
"""


def session(it: Installation, username: str, password: str) -> smtplib.SMTP:
    """A client that checks the certificate and has logged in."""
    context = ssl.create_default_context(cafile=str(it.certificate))
    client = smtplib.SMTP("localhost", it.smtp_port, timeout=20)
    client.starttls(context=context)
    client.login(username, password)
    return client


def workers(server: int) -> list[Path]:
    """The worker processes of a server that make messages, in C{/proc}."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(folder.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            is_worker = "smtpeter.prepare.maker" in folder.joinpath("cmdline").read_text().split("\0")
        except OSError:
            continue
        if parent == server and is_worker:
            found.append(folder)
    return found


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Shows a redirect instead of following it."""

    @override
    def redirect_request(self, *_: object) -> None:
        return None


class MainJobTests(SynchronousTestCase):
    """The whole way of a message, from outside."""

    def test_newsletter(self) -> None:
        """CSS is inlined, links are tracked, the pixel is in place, DKIM verifies, our headers are gone."""
        with Sink() as sink, Installation(sink.port) as it:
            user, password = it.sender("shop.example")
            with session(it, user, password) as client:
                client.sendmail("bounce@shop.example", ["ann@customer.example"], NEWSLETTER.encode())
            (arrived,) = sink.wait_for(1)
            self.assertEqual(arrived.recipients, ("ann@customer.example",))
            self.assertEqual(arrived.reverse_path, "bounce@shop.example")
            self.check_content(it, arrived.content)
            self.check_dkim(it, arrived.content)
            it.wait_events("delivery")
            self.check_visits(it, arrived.content)
            it.stop()

    def test_css_inline(self) -> None:
        """With css-inline in place of premailer it is the same; its process opens nothing that a document names."""
        with (
            socket.create_server(("127.0.0.1", 0)) as listener,
            Sink() as sink,
            Installation(sink.port, processing='inliner = "css-inline"') as it,
        ):
            listener.setblocking(False)
            asking = f'<head><link rel=3Dstylesheet href=3D"http://127.0.0.1:{listener.getsockname()[1]}/">'
            user, password = it.sender("shop.example")
            with session(it, user, password) as client:
                content = NEWSLETTER.replace("<head>", asking + "=\r\n")
                client.sendmail("bounce@shop.example", ["ann@customer.example"], content.encode())
            (arrived,) = sink.wait_for(1)
            self.check_content(it, arrived.content)
            self.assertRaises(BlockingIOError, listener.accept)
            assert it.process is not None
            (worker,) = workers(it.process.pid)
            self.assertIn("css-inline", worker.joinpath("cmdline").read_text().split("\0"))
            self.assertEqual(sorted(path.name for path in worker.joinpath("fd").iterdir()), ["0", "1", "2"])
            it.wait_events("delivery")
            self.assertIn("never loaded", str(it.events()))

    def check_content(self, it: Installation, content: bytes) -> None:
        """What the receiver sees."""
        self.assertNotIn(b"x-smtpeter", content.lower())
        self.assertNotIn(b"bcc:", content.lower())
        self.assertIn(b"Subject: =?utf-8?q?Caf=C3=A9?= news\r\n", content)
        message = email.message_from_bytes(content, policy=email.policy.default)
        for name in ("Received", "Date", "Message-ID", "DKIM-Signature"):
            self.assertIn(name, message)
        plain, html = message.iter_parts()
        self.assertEqual(plain.get_content().strip(), "Read http://shop.example/plain")
        text = html.get_content()
        self.assertRegex(text, r'<p (?=[^>]*class="x")[^>]*style="color: ?red;?"[^>]*>Café')
        self.assertIn("@media (max-width: 9px)", text)
        self.assertNotIn('href="https://shop.example', text)
        self.assertRegex(text, rf'<img [^>]*src="http://127.0.0.1:{it.web_port}/[^"]+\.gif"[^>]*></body>')

    def check_dkim(self, it: Installation, content: bytes) -> None:
        """Another implementation verifies the signature with the record that the command line shows."""
        shown = it.cli("domain", "show", "shop.example")
        records = {record["name"]: record["value"] for record in shown["records"] if record["type"] == "TXT"}

        def lookup(name: bytes, timeout: int = 5) -> bytes:
            return str(records[name.decode().rstrip(".")]).encode()

        self.assertTrue(dkim.verify(content, dnsfunc=lookup))

    def check_visits(self, it: Installation, content: bytes) -> None:
        """Click and pixel answer, and their events are written; a forged address gets a plain 404."""
        html = email.message_from_bytes(content, policy=email.policy.default).get_body(("html",))
        assert html is not None
        text = html.get_content()
        link = re.search(r'<a href="([^"]+)"', text)
        pixel = re.search(r'<img [^>]*src="([^"]+)"', text)
        assert link is not None and pixel is not None
        address = link[1].replace("&amp;", "&")
        self.assertIn("/spring?a=1&b=2#top", address)
        opener = urllib.request.build_opener(NoRedirect)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            opener.open(address.partition("#")[0], timeout=10)
        self.assertEqual(caught.exception.code, 302)
        self.assertEqual(caught.exception.headers["Location"], "https://shop.example/spring?a=1&b=2")
        self.assertEqual(caught.exception.headers["Cache-Control"], "no-store")
        with opener.open(pixel[1], timeout=10) as answer:
            self.assertEqual(answer.headers["Content-Type"], "image/gif")
            self.assertTrue(answer.read().startswith(b"GIF89a"))
        (click,) = it.wait_events("click")
        self.assertEqual(click["data"]["destination"], "https://shop.example/spring?a=1&b=2")
        self.assertEqual(click["data"]["recipient"], "ann@customer.example")
        self.assertEqual(click["data"]["tags"], "spring;sale")
        it.wait_events("open")
        self.check_forged(address)

    def check_forged(self, address: str) -> None:
        """A changed token redirects nowhere."""
        parts = urlsplit(address)
        connection = HTTPConnection(parts.netloc, timeout=10)
        for path in ("/x" + parts.path[1:], parts.path + "x", "/nothing", "/%ff", "/c/AAAA", "/AAAA.gif"):
            connection.request("GET", path, headers={"Host": parts.netloc})
            answer = connection.getresponse()
            body = answer.read()
            self.assertEqual(answer.status, 404, path)
            self.assertNotIn(b"Traceback", body)
