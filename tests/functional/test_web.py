"""The web server from outside: which host has what, in clear and in TLS, and what a stranger gets."""

import http.client
import json
import re
import smtplib
import ssl

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from tests.support.installation import Installation, free_ports
from tests.support.sink import Sink

HTML = b"From: a@shop.example\r\nContent-Type: text/html\r\n\r\n<a href='https://x.example/way?q=1'>x</a>\r\n"


class WebTests(SynchronousTestCase):
    """With 127.0.0.1 as the tracking host, localhost as that of people, and a listener with TLS."""

    @override
    def setUp(self) -> None:
        sink = Sink()
        sink.__enter__()
        self.addCleanup(sink.__exit__)
        self.it = Installation(sink.port, is_started=False)
        self.it.__enter__()
        self.addCleanup(self.it.__exit__)
        (self.secure_port,) = free_ports(1)
        text = self.it.config.read_text()
        secure = f'listen_tls = ["tcp:{self.secure_port}:interface=127.0.0.1"]'
        self.it.config.write_text(text.replace("listen_tls = []", secure))
        self.it.start()
        with smtplib.SMTP("localhost", self.it.smtp_port, timeout=20) as client:
            client.starttls(context=ssl.create_default_context(cafile=str(self.it.certificate)))
            client.login(*self.it.sender("shop.example", "--trackclicks", "--trackopens"))
            client.sendmail("a@shop.example", ["b@y.example"], HTML)
        (arrived,) = sink.wait_for(1)
        base = re.escape(f"http://127.0.0.1:{self.it.web_port}")
        found = re.findall(rf"""(?:href|src)=['"]{base}([^'"]+)""", arrived.content.decode())
        self.link, self.pixel = found

    def ask(self, path: str, host: str, secure: bool = False) -> tuple[int, "http.client.HTTPMessage", bytes]:
        """One request. @return: status, header and body of the answer."""
        connection = http.client.HTTPConnection("localhost", self.it.web_port, timeout=10)
        if secure:
            context = ssl.create_default_context(cafile=str(self.it.certificate))
            connection = http.client.HTTPSConnection("localhost", self.secure_port, timeout=10, context=context)
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, answer.headers, body

    def test_hosts(self) -> None:
        """
        The tracking host serves links and pixels and nothing else, every other host health and no tracking, with any
        port and in any case of letters.
        """
        tracking = ("127.0.0.1", "127.0.0.1:80", f"127.0.0.1:{self.it.web_port}")
        for host in tracking:
            self.assertEqual(self.ask(self.link, host)[0], 302)
            self.assertEqual(self.ask(self.pixel, host)[0], 200)
            for path in ("/healthz", "/readyz", "/", "/v1/send"):
                self.assertEqual(self.ask(path, host)[0], 404, path)
        for host in ("localhost", "LOCALHOST:8025", "other.example", "[::1]", "127.0.0.2"):
            self.assertEqual(self.ask("/healthz", host)[0], 200)
            self.assertEqual(self.ask("/readyz", host)[0], 200)
            for path in (self.link, self.pixel, "/", "/nothing"):
                self.assertEqual(self.ask(path, host)[0], 404, path)

    def test_tls(self) -> None:
        """The same inside TLS, with the certificate of the server; an open tells how it came."""
        status, header, _ = self.ask(self.link, "127.0.0.1", secure=True)
        self.assertEqual((status, header["Location"]), (302, "https://x.example/way?q=1"))
        self.assertEqual(self.ask(self.pixel, "127.0.0.1", secure=True)[0], 200)
        self.assertEqual(json.loads(self.ask("/readyz", "localhost", secure=True)[2]), {"status": "ok"})
        self.assertEqual(self.ask("/healthz", "127.0.0.1", secure=True)[0], 404)
        (seen,) = self.it.wait_events("open")
        self.assertEqual((seen["data"]["protocol"], seen["data"]["ip"]), ("https", "127.0.0.1"))
        self.it.stop()

    def test_forged(self) -> None:
        """Whatever was changed in a token, a stranger gets the same plain page, whose bytes tell nothing."""
        answers = set()
        token = self.link.split("/")[1]
        for at in range(0, len(token), 5):
            other = "B" if token[at] != "B" else "C"
            changed = token[:at] + other + token[at + 1 :]
            answers.add(self.ask(self.link.replace(token, changed), "127.0.0.1")[::2])
        for path in (self.link.replace("/way", "/other"), self.link[:-1] + "2", self.pixel[2:], "/", "/%00", "/%ff"):
            answers.add(self.ask(path, "127.0.0.1")[::2])
        ((status, body),) = answers
        self.assertEqual(status, 404)
        self.assertIn(b"This address leads nowhere.", body)
        self.assertNotIn(b"Twisted", body)
        self.assertEqual(self.it.events("click", "open"), [])
