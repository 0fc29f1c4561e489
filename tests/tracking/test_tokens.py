"""Tests of tokens: what was made is read back, and nothing else is."""

from base64 import urlsafe_b64decode

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.identity import encode_id
from smtpeter.model.keys import MacKeys
from smtpeter.tracking.clicks import MAX_LINKS
from smtpeter.tracking.tokens import (
    SEAL_CHARACTERS,
    Forged,
    browser_url,
    click_mark,
    make_bounce,
    make_click,
    make_pixel,
    make_reference,
    make_unsubscribe,
    pixel_mark,
    raw_id,
    read_bounce,
    read_click,
    read_pixel,
    read_reference,
    read_unsubscribe,
    unsubscribe_mark,
)

HOST = "clicks.example.com"
KEYS = MacKeys(current=2, keys={1: b"o" * 32, 2: b"n" * 32})
OLD = MacKeys(current=1, keys={1: b"o" * 32})
STRANGER = MacKeys(current=2, keys={2: b"x" * 32})
ID = encode_id(b"\x01abcdefghijk")
IDS = st.binary(min_size=12, max_size=12).map(encode_id)
VISIBLE = "https://www.example.com/news/item?id=1&x=%20y"
WHOLE = (
    "http://example.com", "http://example.com?x=1", "http://example.com/a//b", "http://u:p@example.com/a",
    "http://example.com/%7e", "http://example.com/%2f", "http://example.com/%2F", "http://example.com/%5C",
    "http://example.com/%00", "http://example.com/%41", "http://example.com/?a=%zz", "http://example.com/a/../b",
    "http://example.com/é", "http://example.com/a b", "http://example.com/it's", "http://example.com/" + "a" * 1500,
)  # fmt: skip


class ClickTests(SynchronousTestCase):
    """Links."""

    def test_visible(self) -> None:
        """An address in a browser's form keeps its path and query behind the token."""
        path = make_click(KEYS, HOST, ID, 5, VISIBLE)
        self.assertRegex(path, r"\A/[A-Za-z0-9_-]+/news/item\?id=1&x=%20y\Z")
        click = read_click(KEYS, HOST, path.encode())
        self.assertEqual((click.message_id, click.link_number, click.url, click.destination), (ID, 5, VISIBLE, VISIBLE))

    def test_whole(self) -> None:
        """Any other goes whole into the token, and comes back as a browser asks for it."""
        for url in WHOLE:
            path = make_click(KEYS, HOST, ID, 1, url)
            self.assertRegex(path, r"\A/c/[A-Za-z0-9_-]+\Z", url)
            self.assertEqual(read_click(KEYS, HOST, path.encode()).destination, browser_url(url).url)

    def test_empty_path(self) -> None:
        """Whether the path was empty is remembered; the redirect has its slash."""
        click = read_click(KEYS, HOST, make_click(KEYS, HOST, ID, 1, "http://example.com?x=1").encode())
        self.assertEqual((click.url, click.destination), ("http://example.com?x=1", "http://example.com/?x=1"))

    def test_appended(self) -> None:
        """Parameters that a gateway appends are passed on, brought into an address's characters."""
        for url, tail, destination in (
            ("http://a/b", b"?utm=1", "http://a/b?utm=1"),
            ("http://a/b?c", b"&utm=1", "http://a/b?c&utm=1"),
            ("http://a/b?c&", b"utm=1", "http://a/b?c&utm=1"),
            ("http://a", b"?utm=1", "http://a/?utm=1"),
            ("http://a?b", b"?utm=1", "http://a/?b&utm=1"),
            ("http://a/b", b"&utm=1", "http://a/b?utm=1"),
            ("http://a/b", b'?\xc3\xa9<">\r\n', "http://a/b?%C3%A9%3C%22%3E%0D%0A"),
        ):
            path = make_click(KEYS, HOST, ID, 1, url).encode() + tail
            self.assertEqual(read_click(KEYS, HOST, path).destination, destination)

    def test_extended_path(self) -> None:
        """A longer path could lead elsewhere and is refused."""
        for url in (VISIBLE[:31], "http://a"):
            for tail in (b"x", b"/x", b"@evil.example", b"//evil.example", b"\\x", b"#x", b"%2f"):
                path = make_click(KEYS, HOST, ID, 1, url).encode() + tail
                self.assertRaises(Forged, read_click, KEYS, HOST, path)

    def test_every_octet(self) -> None:
        """A change of any octet of token, path or query is noticed."""
        for url in (VISIBLE, "http://u@example.com/x"):
            path = make_click(KEYS, HOST, ID, 1, url).encode()
            for index in range(1, len(path)):
                changed = path[:index] + (b"B" if path[index : index + 1] != b"B" else b"C") + path[index + 1 :]
                self.assertRaises(Forged, read_click, KEYS, HOST, changed)
            for length in range(len(path)):
                self.assertRaises(Forged, read_click, KEYS, HOST, path[:length])

    def test_one_spelling(self) -> None:
        """Of the spellings that stand for the same octets only the one that was made is good."""
        spare = 0
        for length in range(3):
            path = make_click(KEYS, HOST, ID, 1, "http://u@example.com/" + "x" * length)
            raw = urlsafe_b64decode(path[3:] + "=" * (-len(path[3:]) % 4))
            for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
                changed = path[:-1] + last
                if changed != path:
                    spare += urlsafe_b64decode(changed[3:] + "=" * (-len(changed[3:]) % 4)) == raw
                    self.assertRaises(Forged, read_click, KEYS, HOST, changed.encode())
        self.assertGreater(spare, 0)

    def test_forms_of_link(self) -> None:
        """A token with the whole address is none in front of a path, and the other way round."""
        whole, visible = (make_click(KEYS, HOST, ID, 1, url) for url in ("http://u@example.com/x", VISIBLE))
        self.assertRaises(Forged, read_click, KEYS, HOST, whole.removeprefix("/c").encode() + b"/x")
        token, slash, rest = visible[1:].partition("/")
        self.assertRaises(Forged, read_click, KEYS, HOST, f"/c/{token}".encode())
        self.assertRaises(Forged, read_click, KEYS, HOST, f"/c/{token}{slash}{rest}".encode())

    def test_too_many(self) -> None:
        """A link has a number from 0 to under 16,777,216."""
        for number in (-1, MAX_LINKS):
            self.assertRaises(ValueError, make_click, KEYS, HOST, ID, number, VISIBLE)

    def test_host(self) -> None:
        """A link works on the host that it was made for, whatever its case and port, and on no other."""
        path = make_click(KEYS, HOST, ID, 1, VISIBLE).encode()
        for host in ("CLICKS.example.com", "clicks.example.com:8443", "clicks.example.com."):
            self.assertEqual(read_click(KEYS, host, path).destination, VISIBLE)
        self.assertRaises(Forged, read_click, KEYS, "clicks.example.org", path)
        path = make_click(KEYS, "[2001:DB8::1]", ID, 1, VISIBLE).encode()
        self.assertEqual(read_click(KEYS, "[2001:db8::1]:8443", path).destination, VISIBLE)
        self.assertRaises(Forged, read_click, KEYS, "[2001:db8::2]", path)

    def test_constant_length(self) -> None:
        """For all messages a link has the same characters but for those of the seal."""
        mark = click_mark(KEYS, HOST, 1, browser_url(VISIBLE))
        for raw in (bytes(12), b"\xff" * 12, raw_id(ID)):
            self.assertEqual(len(mark.seal.write(raw)), SEAL_CHARACTERS)
            self.assertEqual(read_click(KEYS, HOST, mark.write(raw).encode()).message_id, encode_id(raw))

    @settings(max_examples=60, deadline=None)
    @given(IDS, st.integers(0, (1 << 24) - 1), st.text("abA0/%2F?&=;.-_~é #", max_size=40))
    def test_round_trip(self, message_id: str, number: int, rest: str) -> None:
        """Whatever the address, message and number, they are read back."""
        url = "https://example.com/" + rest
        click = read_click(KEYS, HOST, make_click(KEYS, HOST, message_id, number, url).encode())
        self.assertEqual((click.message_id, click.link_number), (message_id, number))
        self.assertEqual(click.destination, browser_url(url).url)


class MarkTests(SynchronousTestCase):
    """Pixel, unsubscribe address, bounce address and reference."""

    def test_pixel(self) -> None:
        """A pixel is read back on its host, with or without something appended."""
        path = make_pixel(KEYS, HOST, ID)
        self.assertRegex(path, r"\A/[A-Za-z0-9_-]+\.gif\Z")
        self.assertEqual(read_pixel(KEYS, HOST, path.encode()), ID)
        self.assertEqual(read_pixel(KEYS, HOST, path.encode() + b"?x=1"), ID)
        self.assertEqual(pixel_mark(KEYS, HOST).write(raw_id(ID)), path)
        self.assertRaises(Forged, read_pixel, KEYS, "other.example.com", path.encode())

    def test_unsubscribe(self) -> None:
        """An unsubscribe address is read back on its host, with or without a query, and nothing may follow its path."""
        path = make_unsubscribe(KEYS, HOST, ID)
        self.assertRegex(path, r"\A/u/[A-Za-z0-9_-]{36}\Z")
        self.assertEqual(read_unsubscribe(KEYS, "Clicks.example.com:8443", path.encode()), ID)
        self.assertEqual(read_unsubscribe(KEYS, HOST, path.encode() + b"?x=1"), ID)
        self.assertEqual(unsubscribe_mark(KEYS, HOST).write(raw_id(ID)), path)
        self.assertRaises(Forged, read_unsubscribe, KEYS, "other.example.com", path.encode())
        for more in (b"/", b"A", b"&a=b", b"\n"):
            self.assertRaises(Forged, read_unsubscribe, KEYS, HOST, path.encode() + more)

    def test_bounce(self) -> None:
        """A return address is lower-case base32 without a plus, at most 64 characters, and case does not count."""
        address = make_bounce(KEYS, "Bounces.Example.com", ID)
        self.assertRegex(address, r"\A[a-z2-7]{1,64}@bounces\.example\.com\Z")
        self.assertEqual(read_bounce(KEYS, address), ID)
        self.assertEqual(read_bounce(KEYS, address.upper()), ID)
        self.assertRaises(Forged, read_bounce, KEYS, address.replace("bounces", "other"))

    def test_reference(self) -> None:
        """A reference survives folding."""
        value = make_reference(KEYS, ID)
        self.assertEqual(read_reference(KEYS, f" {value[:9]}\r\n {value[9:]} "), ID)

    def test_changed(self) -> None:
        """A change of any character is noticed."""
        address, pixel, value = make_bounce(KEYS, "b.example", ID), make_pixel(KEYS, HOST, ID), make_reference(KEYS, ID)
        for index in range(40):
            changed = address[:index] + ("b" if address[index] != "b" else "c") + address[index + 1 :]
            self.assertRaises(Forged, read_bounce, KEYS, changed)
        for index in range(1, 37):
            changed = pixel[:index] + ("B" if pixel[index] != "B" else "C") + pixel[index + 1 :]
            self.assertRaises(Forged, read_pixel, KEYS, HOST, changed.encode())
        leaving = make_unsubscribe(KEYS, HOST, ID)
        for index in range(len(leaving)):
            changed = leaving[:index] + ("B" if leaving[index] != "B" else "C") + leaving[index + 1 :]
            self.assertRaises(Forged, read_unsubscribe, KEYS, HOST, changed.encode())
        for index in range(36):
            changed = value[:index] + ("B" if value[index] != "B" else "C") + value[index + 1 :]
            self.assertRaises(Forged, read_reference, KEYS, changed)

    def test_kinds(self) -> None:
        """A token of one kind is none of another."""
        pixel, value = make_pixel(KEYS, HOST, ID), make_reference(KEYS, ID)
        leaving = make_unsubscribe(KEYS, HOST, ID)
        for token in (pixel[1:-4], value):
            self.assertRaises(Forged, read_unsubscribe, KEYS, HOST, f"/u/{token}".encode())
        self.assertRaises(Forged, read_click, KEYS, HOST, leaving.encode())
        self.assertRaises(Forged, read_pixel, KEYS, HOST, f"{leaving[2:]}.gif".encode())
        self.assertRaises(Forged, read_pixel, KEYS, HOST, f"/{value}.gif".encode())
        self.assertRaises(Forged, read_reference, KEYS, pixel[1:-4])
        self.assertRaises(Forged, read_click, KEYS, HOST, pixel.encode())
        self.assertRaises(Forged, read_click, KEYS, HOST, f"{pixel[:-4]}/x".encode())
        self.assertRaises(Forged, read_click, KEYS, HOST, f"/c{pixel[:-4]}".encode())

    def test_keys(self) -> None:
        """A token of an older key is good as long as that key is there; a stranger's never is."""
        for keys, is_good in ((KEYS, True), (STRANGER, False)):
            for read, token in (
                (read_bounce, make_bounce(OLD, "b.example", ID)),
                (lambda k, t: read_pixel(k, HOST, t.encode()), make_pixel(OLD, HOST, ID)),
                (read_reference, make_reference(OLD, ID)),
                (lambda k, t: read_unsubscribe(k, HOST, t.encode()), make_unsubscribe(OLD, HOST, ID)),
                (lambda k, t: read_click(k, HOST, t.encode()).message_id, make_click(OLD, HOST, ID, 1, VISIBLE)),
            ):
                if is_good:
                    self.assertEqual(read(keys, token), ID)
                else:
                    self.assertRaises(Forged, read, keys, token)

    def test_weak_key(self) -> None:
        """A key too short to be one is refused when tokens are made."""
        for key in (b"", b"short", b"x" * 65):
            self.assertRaises(ValueError, make_reference, MacKeys(current=1, keys={1: key}), ID)

    @settings(max_examples=150, deadline=None)
    @given(st.text(max_size=80))
    def test_anything(self, text: str) -> None:
        """Any text is either a token or Forged, never another error."""
        path = text.encode("utf-8", "replace")
        self.assertRaises(Forged, read_click, KEYS, HOST, b"/c/" + path)
        self.assertRaises(Forged, read_click, KEYS, HOST, path)
        self.assertRaises(Forged, read_pixel, KEYS, HOST, path)
        self.assertRaises(Forged, read_unsubscribe, KEYS, HOST, b"/u/" + path)
        self.assertRaises(Forged, read_bounce, KEYS, text)
        self.assertRaises(Forged, read_reference, KEYS, text)
