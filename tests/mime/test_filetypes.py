"""Tests for L{smtpeter.mime.filetypes}."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.filetypes import TypeUnfit, read_type, type_by_name


class FileTypeTests(SynchronousTestCase):
    """Media types."""

    def test_by_name(self) -> None:
        """The ending tells, whatever its case; where it does not, the type is unknown."""
        self.assertEqual(type_by_name("Bill.PDF"), "application/pdf")
        self.assertEqual(type_by_name("a.tar.gz"), "application/gzip")
        for name in ("", "bill", "bill.", "a.zzz"):
            self.assertEqual(type_by_name(name), "application/octet-stream")

    def test_read(self) -> None:
        """Parameters stay but for those that the message decides."""
        self.assertEqual(read_type("Image/PNG"), ("image/png", {}))
        self.assertEqual(read_type('text/csv; charset="utf-8"; name=x; boundary=y'), ("text/csv", {"charset": "utf-8"}))

    def test_unfit(self) -> None:
        """What is no type, or makes a structure, is refused."""
        for text in (
            "pdf",
            "a/b/c",
            "a b/c",
            "multipart/mixed",
            "Multipart/Mixed; boundary=x",
            'text/plain; a="\\""',
            "text/plain; a=ü",
            "text/plain; a==?utf-8?q?x?=",
            "text/" + "a" * 300,
            "text/plain" + "; a=b" * 60,
        ):
            with self.assertRaises(TypeUnfit):
                read_type(text)
