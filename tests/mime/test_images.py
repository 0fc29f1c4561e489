"""Tests of L{smtpeter.mime.images}."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.images import ENDINGS, image_type

SAMPLES = {
    "image/gif": b"GIF89a\x01\x00\x01\x00\x80\x00\x00",
    "image/png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
    "image/webp": b"RIFF\x0a\x00\x00\x00WEBPVP8 ",
    "image/avif": b"\x00\x00\x00\x0aftypavif\x00",
    "image/bmp": b"BM\x0a\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00",
}


class TypeTests(SynchronousTestCase):
    """What bytes are."""

    def test_types(self) -> None:
        """Each raster type is told by its bytes alone, and has an ending."""
        for name, octets in SAMPLES.items():
            self.assertEqual(image_type(octets), name)
        self.assertEqual(set(ENDINGS), set(SAMPLES))

    def test_others(self) -> None:
        """Whatever a browser might run, or only begins like an image, is none."""
        for octets in (
            b"",
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            b"<html>GIF89a",
            b" GIF89a",
            b"GIF88a",
            b"%PDF-1.4",
            b"BM is how this text begins",
            b"RIFF\x0a\x00\x00\x00WAVEfmt ",
            b"\x00\x00\x00\x0aftypmp42\x00",
        ):
            self.assertIsNone(image_type(octets), octets)
