"""The head of an answer is judged before its body is read."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.fetch import FetchFailed, FetchTooLarge
from smtpeter.fetch.answers import Head, check_body, check_success, media_type


def head(status: int = 200, encoding: str = "", length: int | None = None, location: str | None = None) -> Head:
    """An answer of a.example."""
    return Head(host="a.example", status=status, encoding=encoding, length=length, location=location)


class HeadTests(SynchronousTestCase):
    def test_success(self) -> None:
        """Statuses of success pass, and all others are told."""
        for status in (200, 204, 299):
            check_success(head(status))
        for status in (100, 199, 300, 304, 404, 500, 999):
            error = self.assertRaises(FetchFailed, check_success, head(status))
            self.assertEqual(str(error), f"a.example answered with the status {status}")

    def test_redirect(self) -> None:
        """Five statuses are redirects, if they say where to."""
        for status in (301, 302, 303, 307, 308):
            self.assertEqual(head(status, location="/x").redirect, "/x")
            self.assertIsNone(head(status).redirect)
        for status in (200, 201, 300, 304, 305, 306):
            self.assertIsNone(head(status, location="/x").redirect)

    def test_encoded(self) -> None:
        """A body that is compressed is refused."""
        for encoding in ("gzip", "GZIP", "br", "deflate", "identity, gzip", "gzip,gzip", "x"):
            self.assertRaises(FetchFailed, check_body, head(encoding=encoding), 10)
        for encoding in ("", "identity", " Identity "):
            check_body(head(encoding=encoding), 10)

    def test_length(self) -> None:
        """A body that says that it is too long is not read."""
        check_body(head(length=10), 10)
        check_body(head(), 10)
        error = self.assertRaises(FetchTooLarge, check_body, head(length=11), 10)
        self.assertEqual(str(error), "the answer of a.example is larger than 10 bytes")


class MediaTypeTests(SynchronousTestCase):
    def test_types(self) -> None:
        """Type and charset are read in lower case."""
        for text, expected in {
            "text/plain": ("text/plain", ""),
            "Text/HTML; Charset=UTF-8": ("text/html", "utf-8"),
            'text/csv ;header=present;charset="iso-8859-1"; x=y': ("text/csv", "iso-8859-1"),
            "application/vnd.ms-excel;": ("application/vnd.ms-excel", ""),
            "image/svg+xml;mycharset=x": ("image/svg+xml", ""),
            " text/plain\t": ("text/plain", ""),
        }.items():
            self.assertEqual(media_type(text), expected, text)

    def test_none(self) -> None:
        """What can be no media type, or no charset, is left away: nothing of it gets into a header."""
        for text in (
            "",
            "text",
            "/",
            "text/",
            "text/plain x",
            "text/plain\r\nX: y",
            "te xt/plain",
            "text/plaín",
            "a/b/c",
            "a/b;c\r\nd",
        ):
            self.assertEqual(media_type(text), ("", ""), text)
        for text in ("text/plain;charset=a b", 'text/plain;charset="a', "text/plain;charset=", "text/plain;charset"):
            self.assertEqual(media_type(text), ("text/plain", ""), text)
