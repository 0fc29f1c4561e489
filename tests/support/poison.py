"""Hostile messages, by name: each makes a program that is not careful work for minutes, or blocks it for seconds."""

from base64 import b64encode
from collections.abc import Callable, Mapping

MEGABYTES = 1_000_000
_FIELDS = b"From: a@shop.example\r\nTo: b@y.example\r\nSubject: s\r\nMIME-Version: 1.0\r\n"


def html_message(html: bytes, encoding: bytes = b"8bit", charset: bytes = b"utf-8") -> bytes:
    """A message of one HTML part; the body is taken as it is."""
    kind = b"Content-Type: text/html; charset=%b\r\nContent-Transfer-Encoding: %b\r\n\r\n" % (charset, encoding)
    return _FIELDS + kind + html


def plain_message(body: bytes, fields: bytes = b"") -> bytes:
    """A message without MIME."""
    return _FIELDS.replace(b"MIME-Version: 1.0\r\n", fields) + b"\r\n" + body


def css_work(rules: int = 3000, elements: int = 6000) -> bytes:
    """Many rules that each match much, and combine what they match."""
    sheet = "".join(
        f"div p:nth-child({1 + n % 7}n+{n % 5}) ~ p:not(.c{n}) b {{ margin-left: {n}px }}\r\n" for n in range(rules)
    )
    body = "".join(
        f'<div class="c{n % 100}"><p><b>x</b></p><p class="d{n}"><b>y</b></p></div>\r\n' for n in range(elements)
    )
    return html_message(f"<style>{sheet}</style><body>{body}</body>".encode())


def css_statements() -> bytes:
    """A style sheet of brackets and strings without an end."""
    sheet = b"a{" * 20_000 + b"(" * 20_000 + b'"' + b"\\" * 20_001 + b"@media " * 10_000 + b"/*" * 10_000
    return html_message(b"<style>p{color:red}" + sheet + b"</style><p>x\r\n")


def deep_mime(levels: int = 98) -> bytes:
    """Parts in parts up to the limit, with long boundaries and many delimiters of each."""
    names = [b"%03d" % level + b"b" * 60 for level in range(levels)]
    opened = b"".join(b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n--%b\r\n" % (name, name) for name in names)
    inner = b"Content-Type: text/html\r\n\r\n<a href='http://x.example/'>x</a>\r\n"
    return _FIELDS + opened + inner + b"".join(b"--" + b"x" * 60 + b"\r\n" for _ in range(300_000))


def many_parts(parts: int = 9_000) -> bytes:
    """HTML parts, one behind the other."""
    part = (
        b"--b\r\nContent-Type: text/html\r\n\r\n<style>p{color:red}</style><p><a href='http://x.example/%d'>x</a>\r\n"
    )
    inner = b"".join(part % number for number in range(parts))
    return _FIELDS + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + inner + b"--b--\r\n"


def links(count: int, size: int) -> bytes:
    """Links, then text up to a size."""
    some = b"".join(b'<p><a href="https://x.example/news?id=%d&amp;x=1">more</a></p>\r\n' % n for n in range(count))
    line = b" ".join((b"text",) * 20) + b" &nbsp;\r\n"
    return some + line * ((size - len(some)) // len(line))


def _base64(raw: bytes) -> bytes:
    encoded = b64encode(raw)
    return b"".join(encoded[start : start + 76] + b"\r\n" for start in range(0, len(encoded), 76))


def _traps() -> Mapping[str, bytes]:
    """Documents over which a careless reader takes the square of their length."""
    return {
        "open-tags": b"<a \r\n" * 190_000,
        "open-comments": b"<!--\r\n" * 190_000,
        "open-quotes": b'<a href="' * 190_000,
        "open-styles": b"<style>\r\n" * 190_000,
        "ends-of-style": b"<style></styl\r\n" * 190_000,
        "equals": b"<a" + b" =" * 2 * MEGABYTES,
        "ampersands": b'<a href="http://x.example/' + b"&amp" * MEGABYTES + b'">x</a>',
        "spaces": b"<a href=" + b" " * 8 * MEGABYTES + b">",
        "anchors": b"<a href=http://x.example/>" * 9_000 + b"<" * 150_000,
        "shown": b'<a href="http://x.example/">' + b"www." * 2 * MEGABYTES + b"</a>",
        "one-line": b"x" * 20 * MEGABYTES,
    }


POISON: Mapping[str, Callable[[], bytes]] = {
    "small": lambda: html_message(links(20, 5_000)),
    "css-work": css_work,
    "css-statements": css_statements,
    "deep-mime": deep_mime,
    "many-parts": many_parts,
    "attributes-100k": lambda: html_message(
        b"<style>p{color:red}</style><p" + b"".join(b" a%d=b\r\n" % n for n in range(100_000)) + b">x</p>"
    ),
    "attributes-spread": lambda: html_message(
        b"<style>p{color:red}</style>" + (b"<p" + b" a=b" * 500 + b">\r\n") * 2_000
    ),
    "html-20mb": lambda: html_message(links(9_000, 20 * MEGABYTES)),
    "html-20mb-qp": lambda: html_message(
        links(9_000, 14 * MEGABYTES).replace(b"=", b"=3D").replace(b" text &", b" te=\r\nxt =C3=A9 &"),
        b"quoted-printable",
    ),
    "html-20mb-base64": lambda: html_message(_base64(links(9_000, 14 * MEGABYTES)), b"base64"),
    "tags-2m": lambda: html_message(b"<b>\r\n" * 2 * MEGABYTES),
    "tags-90k": lambda: html_message(b"<style>b{color:red}</style>" + b"<b>x</b>\r\n" * 45_000),
    "equals-qp": lambda: html_message(b"=3D" * 24 + b"=\r\n" + (b"=41" * 24 + b"=\r\n") * 300_000, b"quoted-printable"),
    "soft-breaks": lambda: html_message(b"=\r\n" * 8 * MEGABYTES, b"quoted-printable"),
    **{
        f"trap-{name}": (lambda name=name: html_message(_traps()[name]))  # type: ignore[misc]
        for name in _traps()
    },
    "text-25mb": lambda: plain_message(
        b"Some text of a line that is as long as lines are in plain texts.\r\n" * 380_000
    ),
    "eightbit-25mb": lambda: plain_message(
        "Größe und Länge, Straße, Öl, Übermut, ärgerlich, süß\r\n".encode() * 400_000
    ),
    "dots-25mb": lambda: plain_message(b".\r\n" * 8 * MEGABYTES),
    "empty-lines-25mb": lambda: plain_message(b"\r\n" * 12 * MEGABYTES),
    "spaces-25mb": lambda: plain_message(b" \t" * 12 * MEGABYTES + b"x\r\n"),
    "bare-lf-12mb": lambda: plain_message(b"\n" * 12 * MEGABYTES),
    "bare-cr-12mb": lambda: plain_message(b"\r" * 12 * MEGABYTES),
    "no-line-25mb": lambda: plain_message(b"x" * 25 * MEGABYTES),
    "eightbit-no-line": lambda: plain_message(b"\xe9" * 25 * MEGABYTES),
    "delimiters": lambda: _FIELDS + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--c\r\n" * 5 * MEGABYTES,
    "header-fold": lambda: plain_message(b"x\r\n", b"X-Long:" + b" x\r\n" * 60_000 + b" y\r\n"),
    "header-fields": lambda: plain_message(b"x\r\n", b"X:\r\n" * 60_000),
    "header-addresses": lambda: plain_message(
        b"x\r\n", b"List-Unsubscribe: " + b"<http://x.example/>,\r\n " * 10_000 + b"\r\nCc: " + b"(" * 40_000 + b"\r\n"
    ),
    "header-words": lambda: plain_message(b"x\r\n", b"X-SMTPeter-Tags: " + b"=?utf-8?q?a?= " * 16_000 + b"\r\n"),
}
