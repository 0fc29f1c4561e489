"""Hosted images: handed in by REST and by SMTP, read at the sink, fetched from the server as a mail program does."""

import re
import struct
import time
import zlib
from base64 import b64encode
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.client import HTTPConnection

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

from tests.functional.test_main_job import session
from tests.support.database import postgresql_url
from tests.support.installation import Installation
from tests.support.rest import INSECURE, Client, client
from tests.support.sink import Sink

SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def png(size: int) -> bytes:
    """A real image, so large."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + bytes((row % 256, 5, 9)) * size for row in range(size))
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


PNG = png(64)
HTML = (
    "<style>.h { background-image: url('cid:logo') }</style><body><p class=h>x</p><img src='cid:logo' alt='Logo'>"
    "<img src=cid:drawing><a href='https://shop.example/'>shop</a></body>"
)


def embedded(cid: str, content: bytes, name: str, kind: str) -> dict[str, str]:
    """An entry of C{attachments}."""
    return {"cid": cid, "data": b64encode(content).decode(), "name": name, "type": kind}


SEND = {
    "recipient": "b@y.example",
    "from": "a@shop.example",
    "subject": "Images",
    "text": "Text",
    "html": HTML,
    "images": "hosted",
    "inlinecss": True,
    "attachments": [
        embedded("logo", PNG, "Das Logo.png", "image/png"),
        embedded("drawing", SVG, "drawing.png", "image/png"),
        {"data": b64encode(PNG).decode(), "name": "attached.png", "type": "image/png"},
    ],
}


@frozen
class Fetched:
    """An answer of the tracking host."""

    status: int
    headers: dict[str, str]
    body: bytes


def submit(it: Installation, login: tuple[str, str], sender: str, recipient: str, content: bytes) -> None:
    """Hand a mail in by SMTP."""
    with session(it, *login) as smtp:
        smtp.sendmail(sender, recipient, content)


def fetch(it: Installation, path: str, method: str = "GET") -> Fetched:
    """Ask for a path as it stands."""
    connection = HTTPConnection("127.0.0.1", it.web_port, timeout=20)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Fetched(answer.status, headers, answer.read())
    finally:
        connection.close()


def read(content: bytes) -> EmailMessage:
    """As a mail program reads it."""
    found = message_from_bytes(content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def related(subject: str) -> bytes:
    """A mail whose HTML shows an image that is in it."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@shop.example", "b@y.example", subject
    mail.set_content("<p>x <img src='cid:logo'></p>\n", subtype="html")
    mail.add_related(PNG, "image", "png", cid="<logo>")
    return bytes(mail)


def page_of(found: EmailMessage) -> str:
    """Its HTML."""
    body = found.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def paths(it: Installation, page: str) -> list[str]:
    """Of the hosted images that it shows, as often as it does."""
    return re.findall(rf"http://127\.0\.0\.1:{it.web_port}(/images/[0-9a-f]{{40}}/[A-Za-z0-9._-]+)", page)


class HostedImageTests(SynchronousTestCase):
    """From the client to the reader."""

    def test_rest(self) -> None:
        """An image leaves the mail and is shown from the tracking host; a drawing and an attached file stay."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked = client(it)
            (shown,) = asked.post("/v1/preview", SEND).json["messages"]
            self.assertEqual(fetch(it, paths(it, shown["html"])[0]).status, 404)
            ((message_id, _),) = asked.post("/v1/send", SEND).json.items()
            (arrived,) = sink.wait_for(1)
            found = read(arrived.content)
            self.check_parts(found)
            self.check_image(it, page_of(found))
            self.assertEqual(set(paths(it, shown["html"])), set(paths(it, page_of(found))))
            self.assertIn("stays in the message, since it is no GIF", shown["warnings"][0])
            self.check_read(asked, message_id)
            it.stop()

    def test_not_sent(self) -> None:
        """To look at a mail that was never sent, or to ask for all about its recipient, keeps none of its images."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked = client(it)
            self.assertEqual(asked.post("/v1/suppressions", {"address": SEND["recipient"]}).status, 200)
            ((message_id, _),) = asked.post("/v1/send", SEND).json.items()
            it.wait_events("suppressed")
            path = paths(it, asked.get(f"/v1/html/{message_id}").body.decode())[0]
            wanted = asked.post("/v1/datarequest", {"email": SEND["recipient"]}).json["id"]
            for _ in range(100):
                if asked.get(f"/v1/datarequest/{wanted}/status").json["status"] == "available":
                    break
                time.sleep(0.1)
            self.assertIn(path, asked.get(f"/v1/datarequest/{wanted}").body.decode())
            self.assertEqual(fetch(it, path).status, 404)
            self.assertEqual(sink.arrived, [])

    def check_parts(self, found: EmailMessage) -> None:
        """What is in the mail."""
        kept = [(part.get_content_type(), part.get_filename()) for part in found.walk() if not part.is_multipart()]
        self.assertEqual(
            kept,
            [("text/plain", None), ("text/html", None), ("image/png", "drawing.png"), ("image/png", "attached.png")],
        )

    def check_image(self, it: Installation, page: str) -> None:
        """Every place shows the same image, byte for byte, to GET and HEAD; nothing else is there."""
        self.assertEqual(len(paths(it, page)), 2, page)
        (path,) = set(paths(it, page))
        self.assertNotIn("cid:logo", page)
        self.assertIn("src=cid:drawing", page)
        self.assertTrue(path.endswith("/Das-Logo.png"), path)
        image, head = fetch(it, path), fetch(it, path, "HEAD")
        self.assertEqual((image.status, image.body, head.status, head.body), (200, PNG, 200, b""))
        self.assertEqual(image.headers["content-type"], "image/png")
        self.assertEqual(image.headers["x-content-type-options"], "nosniff")
        self.assertIn("immutable", image.headers["cache-control"])
        self.assertEqual(head.headers["content-length"], str(len(PNG)))
        last = "0" if path[20] != "0" else "1"
        for other in (path[:20] + last + path[21:], path + "x", path.replace(".png", ""), "/images/../v1/tokens"):
            self.assertEqual(fetch(it, other).status, 404, other)

    def check_read(self, asked: Client, message_id: str) -> None:
        """The API shows the mail as it was sent."""
        embeds = asked.get(f"/v1/embeds/{message_id}").json
        self.assertEqual([one["name"] for one in embeds], ["drawing.png"])
        self.assertIn("/images/", asked.get(f"/v1/html/{message_id}").body.decode())

    def test_smtp(self) -> None:
        """A header field or the login asks for it too, the field first; a signed mail stays as it is."""
        with Sink() as sink, Installation(sink.port) as it:
            plain, hosting = it.sender("shop.example"), it.sender("shop.example", "--images", "hosted")
            hosted, default = b"x-smtpeter-images: hosted\n", b"x-smtpeter-images: default\n"
            signed = related("5").replace(b"multipart/related", b"multipart/signed")
            cases = (
                (plain, related("1"), ("multipart/related", 3)),
                (plain, hosted + related("2"), ("text/html", 1)),
                (hosting, related("3"), ("text/html", 1)),
                (hosting, default + related("4"), ("multipart/related", 3)),
                (hosting, signed, ("multipart/signed", 3)),
            )
            for login, content, _ in cases:
                submit(it, login, "a@shop.example", "b@y.example", content)
            arrived = {one["subject"]: one for one in (read(one.content) for one in sink.wait_for(5))}
            for number, (_, _, wanted) in enumerate(cases, start=1):
                found = arrived[str(number)]
                self.assertEqual((found.get_content_type(), len(list(found.walk()))), wanted, number)
                self.assertNotIn("x-smtpeter-images", found)
            first, second = (paths(it, arrived[number].get_content()) for number in "23")
            self.assertEqual((first, len(first), fetch(it, first[0]).body), (second, 1, PNG))
            self.check_others(it, sink, first)
            it.stop()

    def check_others(self, it: Installation, sink: Sink, known: list[str]) -> None:
        """Another account has another address for the same image: its address tells nobody that it is hosted."""
        it.cli("account", "create", "other")
        it.cli("domain", "add", "other.example", "--approve", "--account", "other")
        login = it.cli("login", "create", "x", "--account", "other", "--images", "hosted")
        content = related("6").replace(b"shop.example", b"other.example")
        submit(it, (login["username"], login["password"]), "a@other.example", "c@y.example", content)
        (found,) = [one for one in map(read, (one.content for one in sink.wait_for(6))) if one["subject"] == "6"]
        (path,) = paths(it, found.get_content())
        self.assertNotEqual([path], known)
        self.assertEqual(fetch(it, path).body, PNG)


class ClusterTests(SynchronousTestCase):
    """Two servers on one database."""

    def test_postgresql(self) -> None:
        """On PostgreSQL images are hosted by one server and shown by another one."""
        url = postgresql_url(self.addCleanup)
        with Sink() as sink, Installation(sink.port, database=url, web=INSECURE) as it:
            asked = client(it, "--account", "default")
            self.assertEqual(asked.post("/v1/send", SEND).status, 200)
            (path,) = set(paths(it, page_of(read(sink.wait_for(1)[0].content))))
            with Installation(sink.port, database=url) as other:
                self.assertEqual((fetch(it, path).body, fetch(other, path).body), (PNG, PNG))
                other.stop()
            it.stop()
