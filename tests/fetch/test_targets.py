"""Which URLs are asked."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.fetch import FetchRefused
from smtpeter.fetch.targets import MAX_URL, Target, check_addresses, read_target, redirected
from smtpeter.model.ip import is_public

ASKED = {
    "http://example.com": "http://example.com/",
    "HTTP://Example.COM:80/A": "http://example.com/A",
    "https://example.com:443?q#part": "https://example.com/?q",
    "https://example.com:8443/a?b=c&d=%20": "https://example.com:8443/a?b=c&d=%20",
    "http://example.com:/": "http://example.com/",
    'http://bücher.example/ä b"?q=ü': "http://xn--bcher-kva.example/%C3%A4%20b%22?q=%C3%BC",
    "http://bu\u0308cher.example/": "http://xn--bcher-kva.example/",
    "http://faß.example/": "http://xn--fa-hia.example/",
    "http://ex_a-mple.com/a@b:c/../[1]": "http://ex_a-mple.com/a@b:c/../[1]",
    "http://8.8.8.8/": "http://8.8.8.8/",
    "https://[2001:4860:4860:0:0::8888]:8443/": "https://[2001:4860:4860::8888]:8443/",
}

NOT_ASKED = (
    *("", "example.com", "//example.com/", "/a", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/"),
    *("javascript:alert(1)", "http:example.com", "http:/example.com", "http:///a", "http://", " http://example.com/"),
    *("httpſ://example.com/", "http://example.com\\a", "http://example.com|b/", "http://exa mple.com/"),
    *("http://me@example.com/", "http://me:word@example.com/", "http://@example.com/", "http://good.com\\@evil.com/"),
    *("http://example.com:0/", "http://example.com:22/", "http://example.com:25/", "http://example.com:6000/"),
    *("http://example.com:65536/", "http://example.com:99999/", "http://example.com:-80/", "http://example.com:٨٠/"),
    *("http://example.com:8o/", "http://example.com:80:80/", "http://example.com:2049/", "http://example.com:6667/"),
    *("http://example.com./", "http://.example.com/", "http://a..b/", "http://-a.com/", "http://a-.com/"),
    *("http://" + "a" * 64 + ".com/", "http://" + "a." * 127 + "com/", "http://\u200dexample.com/", "http://℀.com/"),
    *("http://a.b/\r\nX: y", "http://a.b/\t", "http://a.b/\x00", "http://a.b/\x7f", "http://a.b/\u2028"),
    *("http://a.b/\x85", "http://a.b/\ud800", "http://\udc80.com/", "http://a.b/" + "x" * MAX_URL),
    *("http://" + "ü." * 50 + "com/", "http://a%31.com/"),
)

LOOPBACK = (
    *("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.01", "0"),
    *("127.0.0.1.", "①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.0.0.1", "127.0.0.0x1", "0X7F000001", "1.2.3.4.5"),
    *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::1]", "[fe80::1]"),
    *("[::1%eth0]", "[::1", "::1", "[127.0.0.1]", "[]", "[fe80::1%25eth0]", "10.0.0.1", "169.254.169.254", "0.0.0.0"),
    *("localhost", "LOCALHOST", "intranet", "ⓛocalhost", "a.0x", "a.09"),
)


class ReadTests(SynchronousTestCase):
    def test_asked(self) -> None:
        """URLs of http and https are read, with international names and paths encoded, and default ports left out."""
        for url, expected in ASKED.items():
            self.assertEqual(read_target(url).url, expected)

    def test_parts(self) -> None:
        """A target has its parts, brackets and fragment gone."""
        target = read_target("https://[2001:4860:4860::8888]:8443/a?b#c")
        self.assertEqual(target, Target(scheme="https", host="2001:4860:4860::8888", port=8443, path="/a?b"))
        self.assertTrue(target.is_address)
        self.assertTrue(read_target("http://8.8.8.8/").is_address)
        self.assertFalse(read_target("http://a8.example/").is_address)

    def test_not_asked(self) -> None:
        """Other schemes, user names, other protocols' ports, what is no host name, and controls are refused."""
        for url in NOT_ASKED:
            for allow_private in (False, True):
                with self.assertRaises(FetchRefused, msg=ascii(url)[:80]):
                    read_target(url, allow_private)

    def test_texts(self) -> None:
        """What is wrong is said."""
        for url, text in {
            "http://me:word@example.com/": "the URL contains a user name or a password",
            "http://" + "ü" * 254 + "/": "the host name of the URL is longer than 253 characters",
            "http://127.1/": "the host looks like a number and is no IP address in its usual form",
            "ftp://example.com/": "the URL is not of the form http://host/path or https://host/path",
        }.items():
            self.assertEqual(str(self.assertRaises(FetchRefused, read_target, url)), text)

    def test_loopback(self) -> None:
        """Every spelling of an address that is not public, and every name without a dot, is refused."""
        for host in LOOPBACK:
            with self.assertRaises(FetchRefused, msg=host):
                read_target(f"http://{host}/")

    def test_allowed_loopback(self) -> None:
        """Where private addresses are allowed they are taken in their usual spelling, and in no other."""
        for host in ("127.0.0.1", "[::1]", "localhost", "[::ffff:7f00:1]", "10.0.0.1"):
            self.assertEqual(read_target(f"http://{host}/", allow_private=True).url, f"http://{host}/")
        for host in ("127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "①②⑦.⓪.⓪.①", "[::1%eth0]"):
            with self.assertRaises(FetchRefused, msg=host):
                read_target(f"http://{host}/", allow_private=True)

    def test_again(self) -> None:
        """What is read from a target's own URL is the same target."""
        for url in ASKED:
            target = read_target(url)
            self.assertEqual(read_target(target.url), target)

    @given(st.text(max_size=30) | st.text("0127.x:[]af①。@%\\", max_size=12), st.text(max_size=30))
    def test_law(self, authority: str, path: str) -> None:
        """Whatever the text, there is a refusal, or a target of visible ASCII; if that is an address, a public one."""
        try:
            target = read_target(f"http://{authority}/{path}")
        except FetchRefused:
            return
        self.assertRegex(target.url, r"\Ahttp://[!-~]+\Z")
        self.assertEqual(read_target(target.url), target)
        self.assertTrue(not target.is_address or is_public(target.host))


class RedirectTests(SynchronousTestCase):
    FROM = read_target("https://example.com/a/b?c")

    def test_followed(self) -> None:
        """A redirect is joined to where it comes from."""
        for location, expected in {
            "d": "https://example.com/a/d",
            "/d": "https://example.com/d",
            "?d": "https://example.com/a/b?d",
            "//example.org/ä": "https://example.org/%C3%A4",
            "https://example.org:8443/": "https://example.org:8443/",
        }.items():
            self.assertEqual(redirected(self.FROM, location).url, expected)
        self.assertEqual(redirected(read_target("http://a.b/"), "https://c.d/").url, "https://c.d/")

    def test_not_followed(self) -> None:
        """One to what would not be asked in the first place, or from https to http, is refused."""
        for location in (
            *("http://example.com/", "//127.0.0.1/", "https://127.1/", "https://[::1]/", "https://localhost/"),
            *("ftp://example.com/", "file:///etc/passwd", "https://me@example.com/", "https://example.com:25/"),
            *("//[", "https://example.com/\x00", "https://[v1.x]/", "/\udce4"),
        ):
            with self.assertRaises(FetchRefused, msg=ascii(location)):
                redirected(self.FROM, location)

    def test_allowed(self) -> None:
        """Where private addresses are allowed, redirects may lead to them."""
        self.assertEqual(redirected(self.FROM, "https://127.0.0.1/", True).host, "127.0.0.1")


class AddressesTests(SynchronousTestCase):
    def test_public(self) -> None:
        """Public addresses may be asked."""
        check_addresses("a.example", ("8.8.8.8", "2001:4860:4860::8888"))

    def test_mixed(self) -> None:
        """One address that is not public spoils the others, wherever it stands; it is not told."""
        for addresses in (("127.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("::1", "8.8.8.8"), ("8.8.8.8", "127.1")):
            error = self.assertRaises(FetchRefused, check_addresses, "a.example", addresses)
            self.assertEqual(str(error), "a.example leads to an address that is not public")

    def test_allowed(self) -> None:
        """Where they are allowed, private addresses may be asked; what is no address, and would be looked up, not."""
        check_addresses("a.example", ("127.0.0.1", "8.8.8.8", "::1"), allow_private=True)
        for address in ("127.1", "localhost", ""):
            with self.assertRaises(FetchRefused, msg=address):
                check_addresses("a.example", ("8.8.8.8", address), allow_private=True)
