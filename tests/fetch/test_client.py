"""The guarded client, in memory: where it connects, what it asks, and what it makes of answers."""

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.fetch import Fetched, FetchFailed, FetchRefused, FetchTooLarge
from smtpeter.fetch.client import FetchLimits
from tests.fetch.rig import OTHER, PUBLIC, Rig, failure_text

URL = "http://a.example/x?y"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: Text/Plain; charset=UTF-8\r\n"


def rig(**limits: int) -> Rig:
    """One that knows a name."""
    return Rig({"a.example": [[PUBLIC]], "b.example": [[OTHER]]}, FetchLimits(**limits))


class WayTests(SynchronousTestCase):
    """Where it connects."""

    def test_pinned(self) -> None:
        """A name is looked up once, and the connection goes to the address that was judged."""
        it = Rig({"a.example": [[PUBLIC], ["127.0.0.1"]]})
        _ = it.get("http://a.example:8080/")
        self.assertEqual((it.asked, it.tried), (["a.example"], [(PUBLIC, 8080)]))

    def test_address(self) -> None:
        """An address is not looked up."""
        it = Rig({})
        _ = it.get(f"http://[{OTHER}]/")
        self.assertEqual((it.asked, it.tried), ([], [(OTHER, 80)]))

    def test_mixed(self) -> None:
        """A name that leads to an address that is not public is not asked at all, whatever else it leads to."""
        for addresses in (["127.0.0.1"], [PUBLIC, "::1"], ["10.0.0.1", PUBLIC], [PUBLIC, PUBLIC, PUBLIC, PUBLIC, "::"]):
            it = Rig({"a.example": [addresses]})
            failure_text(self, it.get(URL), FetchRefused)
            self.assertEqual(it.tried, [])

    def test_refused(self) -> None:
        """A URL that is not asked is not looked up, by GET or POST."""
        it = rig()
        for work in (it.client.get("http://localhost/"), it.client.post("http://127.1/", b"", {})):
            failure_text(self, it.begin(work), FetchRefused)
        self.assertEqual((it.asked, it.tried), ([], []))

    def test_allowed(self) -> None:
        """Where the operator allows it, private addresses are asked, by name and as they are."""
        it = Rig({"intranet": [["10.0.0.1", PUBLIC]]}, allow_private=True)
        _ = it.get("http://intranet/")
        _ = it.get("http://127.0.0.1/")
        self.assertEqual(it.tried, [("10.0.0.1", 80), ("127.0.0.1", 80)])

    def test_no_name(self) -> None:
        """A name without addresses, or one that cannot be told, is a failure."""
        it = Rig({"a.example": [[]]})
        self.assertEqual(failure_text(self, it.get(URL), FetchFailed), "a.example has no address")
        self.assertEqual(failure_text(self, it.get("http://b.example/"), FetchFailed), "the DNS cannot tell b.example")

    def test_no_certificate_possible(self) -> None:
        """A name that no certificate can be checked for is not asked by https."""
        for host in ("a_b.example", "xn--a.example"):
            it = Rig({host: [[PUBLIC]]})
            text = failure_text(self, it.get(f"https://{host}/"), FetchRefused)
            self.assertEqual(text, f"{host} is not a name that a certificate can be checked for")
            self.assertEqual(it.tried, [])
            _ = it.get(f"http://{host}/")
            self.assertEqual(it.tried, [(PUBLIC, 80)])

    def test_next_address(self) -> None:
        """When an address does not let us in, the next is tried."""
        it = Rig({"a.example": [[PUBLIC, OTHER]]})
        done = it.get(URL)
        it.refuse()
        self.assertEqual(it.tried, [(PUBLIC, 80), (OTHER, 80)])
        it.accept().say(HEAD + b"Content-Length: 0\r\n\r\n")
        it.turn()
        self.assertEqual(self.successResultOf(done).content, b"")

    def test_unreachable(self) -> None:
        """Four addresses are tried, and no more; a failure tells none of them."""
        it = Rig({"a.example": [[f"8.8.8.{number}" for number in range(9)]]})
        done = it.get(URL)
        for _ in range(4):
            it.refuse()
        self.assertEqual(failure_text(self, done, FetchFailed), "a.example cannot be reached")
        self.assertEqual(len(it.tried), 4)


class AnswerTests(SynchronousTestCase):
    """What it makes of answers."""

    def answered(self, octets: bytes, size: int = 65536) -> Fetched:
        """What is fetched when a server says so and closes."""
        it = rig()
        done = it.get(URL)
        line = it.accept()
        line.say(octets, size)
        line.end(ConnectionDone())
        fetched = self.successResultOf(done)
        assert isinstance(fetched, Fetched)
        return fetched

    def failed(self, octets: bytes, kind: type[Exception] = FetchFailed, reason: Exception | None = None) -> str:
        """What is told when a server says so and goes away."""
        it = rig(size_bytes=100, header_bytes=1000)
        done = it.get(URL)
        line = it.accept()
        line.say(octets)
        line.end(reason or ConnectionDone())
        return failure_text(self, done, kind)

    def test_request(self) -> None:
        """It asks for the path at the host, uncompressed, once."""
        it = rig()
        _ = it.get("http://a.example:8080/x?y#z")
        lines = it.accept().value().split(b"\r\n")
        expected = [b"Accept-Encoding: identity", b"Accept: */*", b"Connection: close"]
        self.assertEqual(lines[0], b"GET /x?y HTTP/1.1")
        self.assertEqual(lines[-2:], [b"", b""])
        self.assertEqual(sorted(lines[1:-2]), [*expected, b"Host: a.example:8080", b"User-Agent: SMTPeter"])

    def test_fetched(self) -> None:
        """Status, type and content are those of the answer, however it ends and in whatever pieces it comes."""
        for rest in (
            b"Content-Length: 5\r\n\r\nhello",
            b"Content-Length: 5\r\n\r\nhello and more",
            b"Content-Encoding: identity\r\n\r\nhello",
            b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nTrailer: x\r\n\r\n",
        ):
            for size in (1, 7, 65536):
                found = self.answered(HEAD + rest, size)
                expected = Fetched(status=200, type="text/plain", charset="utf-8", content=b"hello")
                self.assertEqual(found, expected, (rest, size))

    def test_interim(self) -> None:
        """Interim answers are passed over."""
        self.assertEqual(self.answered(b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + HEAD + b"\r\nx").content, b"x")

    def test_no_content(self) -> None:
        """An answer can have no content and no type."""
        found = self.answered(b"HTTP/1.1 204 No\r\n\r\n")
        self.assertEqual(found, Fetched(status=204, type="", charset="", content=b""))

    def test_status(self) -> None:
        """Another status than success is a failure that tells the status and nothing that the server wrote."""
        text = self.failed(b"HTTP/1.1 404 Secret\r\nContent-Length: 6\r\n\r\nsecret")
        self.assertEqual(text, "a.example answered with the status 404")

    def test_encoded(self) -> None:
        """A compressed body is not read."""
        self.failed(HEAD + b"Content-Encoding: gzip\r\n\r\nx")
        self.failed(HEAD + b"Content-Encoding: identity\r\nContent-Encoding: br\r\n\r\nx")
        self.failed(HEAD + b"Transfer-Encoding: gzip\r\n\r\nx")

    def test_cut_off(self) -> None:
        """A body that ends too soon, or with a connection that breaks, is no body."""
        text = "the answer of a.example ended before it was complete"
        self.assertEqual(self.failed(HEAD + b"Content-Length: 5\r\n\r\nhell"), text)
        self.assertEqual(self.failed(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n"), text)
        self.assertEqual(self.failed(HEAD + b"\r\nhello", reason=ConnectionLost()), text)

    def test_nonsense(self) -> None:
        """What is no HTTP, or breaks off in the header, is told as that."""
        for octets in (
            *(b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 x\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", HEAD, b"\0" * 900),
            *(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", HEAD + b"Content-Length: -1\r\n\r\n"),
        ):
            self.assertEqual(self.failed(octets), "a.example did not answer as an HTTP server does", octets)

    def test_no_status(self) -> None:
        """A status that is none is no answer, to a POST either."""
        for status in (b"99", b"1000", b"-200", b"99999999999"):
            for post in (False, True):
                it = rig()
                done = it.begin(it.client.post(URL, b"x", {})) if post else it.get(URL)
                it.accept().say(b"HTTP/1.1 " + status + b" X\r\nContent-Length: 0\r\n\r\n")
                text = failure_text(self, done, FetchFailed)
                self.assertEqual(text, "a.example did not answer as an HTTP server does")

    def test_long_line(self) -> None:
        """A header line of more than 16 KiB is not waited for."""
        it = rig(header_bytes=40_000)
        done = it.get(URL)
        line = it.accept()
        line.say(HEAD + b"X: " + b"y" * 20_000)
        it.turn()
        self.assertEqual(failure_text(self, done, FetchFailed), "a.example did not answer as an HTTP server does")
        self.assertTrue(line.is_ended)

    def test_too_large(self) -> None:
        """A body over the limit ends the connection, whether it tells its length, or not, or comes in chunks."""
        for rest in (
            b"Content-Length: 101\r\n\r\n",
            b"\r\n" + b"x" * 101,
            b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 101,
        ):
            it = rig(size_bytes=100)
            done = it.get(URL)
            line = it.accept()
            line.say(HEAD + rest, 50)
            text = failure_text(self, done, FetchTooLarge)
            self.assertEqual((text, line.disconnected), ("the answer of a.example is larger than 100 bytes", True))

    def test_as_large_as_allowed(self) -> None:
        """A body of just the limit is taken; the limit of a call makes that of the client smaller, never larger."""
        for limit, size in ((None, 100), (1000, 100), (99, 99)):
            for length, kind in ((size, None), (size + 1, FetchTooLarge)):
                it = rig(size_bytes=100)
                done = it.get(URL, limit)
                line = it.accept()
                line.say(HEAD + b"\r\n" + b"x" * length)
                line.end(ConnectionDone())
                if kind is None:
                    self.assertEqual(len(self.successResultOf(done).content), length)
                else:
                    self.failureResultOf(done, kind)

    def test_header_too_large(self) -> None:
        """Header lines, folded ones and interim answers without end are cut off, however they come."""
        interim = b"HTTP/1.1 100 Go\r\nX: y\r\n\r\n"
        for flood in (HEAD + b"X: y\r\n" * 500, HEAD + b" folded\r\n" * 500, interim * 500):
            for size in (1, 900, 65536):
                it = rig(header_bytes=1000)
                done = it.get(URL)
                line = it.accept()
                line.say(flood, size)
                it.turn()
                text = failure_text(self, done, FetchTooLarge)
                self.assertEqual(text, "the header of the answer of a.example is larger than 1000 bytes")
                self.assertTrue(line.disconnected)

    def test_body_behind_header(self) -> None:
        """A body is not counted as header, also when it comes in one piece with it."""
        it = rig(header_bytes=1000)
        done = it.get(URL)
        line = it.accept()
        line.say(HEAD + b"Content-Length: 9000\r\n\r\n" + b"x" * 9000)
        it.turn()
        self.assertEqual(len(self.successResultOf(done).content), 9000)


class RedirectTests(SynchronousTestCase):
    """Each hop is judged like the first."""

    def hop(self, it: Rig, location: str, status: int = 302) -> None:
        """Answer the latest connection with a redirect."""
        line = it.accept()
        line.say(b"HTTP/1.1 %d X\r\nLocation: %s\r\nContent-Length: 9\r\n\r\n" % (status, location.encode()))
        self.assertTrue(line.disconnected)
        it.turn()

    def test_followed(self) -> None:
        """A redirect is followed on a new connection, with the host looked up anew; its body is not read."""
        it = rig()
        done = it.get(URL)
        for location, status in (("/z", 301), ("//b.example:8080/ö", 303), ("http://a.example/", 308)):
            self.hop(it, location, status)
        line = it.accept()
        line.say(HEAD + b"Content-Length: 2\r\n\r\nhi")
        it.turn()
        self.assertEqual(self.successResultOf(done).content, b"hi")
        self.assertEqual(it.tried, [(PUBLIC, 80), (PUBLIC, 80), (OTHER, 8080), (PUBLIC, 80)])
        self.assertEqual(it.asked, ["a.example", "a.example", "b.example", "a.example"])

    def test_refused(self) -> None:
        """One to an address that is not public, however it is written, leads nowhere."""
        for location in (
            "http://127.0.0.1/",
            "//127.1/",
            "http://[::1]/",
            "//localhost/",
            "file:///x",
            "//u@b.example/",
        ):
            it = rig()
            done = it.get(URL)
            self.hop(it, location)
            self.assertIn("a redirect is not followed: ", failure_text(self, done, FetchRefused))
            self.assertEqual(len(it.tried), 1)

    def test_rebound(self) -> None:
        """A name that was public and is not any more is refused at the second hop."""
        it = Rig({"a.example": [[PUBLIC], ["127.0.0.1"]]})
        done = it.get(URL)
        self.hop(it, "/again")
        failure_text(self, done, FetchRefused)
        self.assertEqual(len(it.tried), 1)

    def test_too_many(self) -> None:
        """After five redirects it is enough."""
        it = rig()
        done = it.get(URL)
        for _ in range(6):
            self.hop(it, URL)
        self.assertEqual(failure_text(self, done, FetchFailed), "there are more than 5 redirects")
        self.assertEqual(len(it.tried), 6)

    def test_not_utf8(self) -> None:
        """One to a place that is no text is refused."""
        it = rig()
        done = it.get(URL)
        it.accept().say(b"HTTP/1.1 302 X\r\nLocation: /\xe4\r\n\r\n")
        failure_text(self, done, FetchRefused)

    def test_nowhere(self) -> None:
        """A redirect without a place is a status like others."""
        it = rig()
        done = it.get(URL)
        it.accept().say(b"HTTP/1.1 302 X\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(failure_text(self, done, FetchFailed), "a.example answered with the status 302")


class PostTests(SynchronousTestCase):
    """Something is given to an address."""

    def post(self, answer: bytes, **limits: int) -> Fetched:
        """What becomes of it."""
        it = rig(**limits)
        done = it.begin(it.client.post(URL, b"content", {}))
        line = it.accept()
        line.say(answer)
        line.end(ConnectionDone())
        self.assertEqual(len(it.tried), 1)
        fetched = self.successResultOf(done)
        assert isinstance(fetched, Fetched)
        return fetched

    def test_request(self) -> None:
        """The content is sent whole, with its length and the headers that describe it."""
        it = rig()
        _ = it.begin(it.client.post(URL, b"con\r\n\r\ntent", {"Content-Type": "text/x", "User-Agent": "me"}))
        head, _, content = it.accept().value().partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        self.assertEqual((lines[0], content), (b"POST /x?y HTTP/1.1", b"con\r\n\r\ntent"))
        for line in (b"Content-Type: text/x", b"User-Agent: me", b"Content-Length: 11", b"Accept-Encoding: identity"):
            self.assertEqual(lines.count(line), 1, line)

    def test_one_line(self) -> None:
        """A header's value cannot begin another header."""
        it = rig()
        _ = it.begin(it.client.post(URL, b"", {"X-A": "b\r\nX-Evil: c\nX-Worse: d"}))
        lines = it.accept().value().splitlines()
        self.assertEqual([line for line in lines if line.startswith((b"X-Evil", b"X-Worse"))], [])

    def test_status(self) -> None:
        """Every status is an answer, and a redirect is not followed."""
        for status in (200, 404, 500):
            found = self.post(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok" % status)
            self.assertEqual((found.status, found.content), (status, b"ok"))
        found = self.post(b"HTTP/1.1 307 X\r\nLocation: http://b.example/\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual((found.status, found.content), (307, b""))

    def test_answer_of_no_use(self) -> None:
        """An answer that is compressed or too large has a status still, so that nothing is given twice."""
        for rest in (
            b"Content-Encoding: gzip\r\n\r\nx",
            b"\r\n" + b"x" * 101,
            b"Content-Length: 999\r\n\r\n" + b"x" * 999,
        ):
            found = self.post(HEAD + rest, size_bytes=100)
            self.assertEqual((found.status, found.content), (200, b""))
