"""Tests for L{smtpeter.mime.parameters}."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.parameters import parse_value

EXAMPLES: dict[bytes, tuple[str, dict[str, str]]] = {
    b" Text/HTML": ("text/html", {}),
    b' text/html; Charset="UTF-8"; format=flowed': ("text/html", {"charset": "UTF-8", "format": "flowed"}),
    b"text/html;\r\n\tcharset=utf-8;": ("text/html", {"charset": "utf-8"}),
    b"text/html (a; b) ; charset = utf-8 (c)": ("text/html", {"charset": "utf-8"}),
    b"multipart/mixed; boundary==_a:b/c": ("multipart/mixed", {"boundary": "=_a:b/c"}),
    b'a/b; boundary="a b;c(d)\\"e"': ("a/b", {"boundary": 'a b;c(d)"e'}),
    b"a/b;; x=1;; x=2": ("a/b", {"x": "1"}),
    b'a/b; x=1; X="2"': ("a/b", {"x": "1"}),
    b"a/b; name*=unicode_escape''%5Cx41": ("a/b", {"name": "\\x41"}),
    b"a/b; name*=punycode''b-hva": ("a/b", {"name": "b-hva"}),
    b'a/b; name="no end; x=1': ("a/b", {"name": "no end; x=1"}),
    b"a/b; boundary=one two; x=1": ("a/b", {"boundary": "one", "x": "1"}),
    b'attachment; filename*0="long "; filename*1=name.txt': ("attachment", {"filename": "long name.txt"}),
    b"attachment; filename*=utf-8''%C3%A4%20b; filename=a": ("attachment", {"filename": "ä b"}),
    b"attachment; filename*=iso-8859-1'de'%E4": ("attachment", {"filename": "ä"}),
    b"a/b; boundary*1=cd; boundary*0*=us-ascii''a%62": ("a/b", {"boundary": "abcd"}),
    b"": ("", {}),
}


class ParseTests(SynchronousTestCase):
    """RFC 2045, 5.1 and RFC 2231."""

    def test_examples(self) -> None:
        """Quotes, comments, folding, split and encoded parameters, and what is odd."""
        for raw, expected in EXAMPLES.items():
            self.assertEqual(parse_value(raw), expected, raw)

    def test_own(self) -> None:
        """Who changes what came out changes it for nobody else; a long value is read like a short one."""
        raw = b"text/plain; charset=utf-8"
        parse_value(raw)[1]["charset"] = "x"
        self.assertEqual(parse_value(raw), ("text/plain", {"charset": "utf-8"}))
        self.assertEqual(parse_value(raw + b"; name=" + b"n" * 300)[1], {"charset": "utf-8", "name": "n" * 300})

    @given(
        st.lists(st.sampled_from([b'"', b"\\", b";", b"=", b"(", b")", b" ", b"a", b"*", b"0", b"'", b"%", b"\xff"]))
    )
    @settings(max_examples=150)
    def test_nothing_raises(self, pieces: list[bytes]) -> None:
        """Whatever stands there, a value and names in lower case come out."""
        value, parameters = parse_value(b"".join(pieces))
        self.assertEqual(value, value.lower())
        self.assertTrue(all(name == name.lower() for name in parameters))
