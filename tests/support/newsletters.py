"""
Newsletters of many shapes, whole messages with CRLF line ends, and the links that a browser would find in each.

The same list each time. A newsletter is a document (what is odd about its HTML), in a charset, under a transfer
encoding, in a MIME structure.
"""

from base64 import b64encode
from collections.abc import Iterator
from quopri import encodestring

from attrs import field, frozen

LINKS = (
    ("https://www.example.com/news/item?id=1&amp;ref=mail", "https://www.example.com/news/item?id=1&ref=mail"),
    ("http://example.org", "http://example.org/"),
    ("HTTPS://Shop.Example.NET/a/../b?q=a b#top", "https://shop.example.net/b?q=a%20b"),
    ("https://example.com/?a=1&copy=2", "https://example.com/?a=1&copy=2"),
    ("https://example.com/%7Euser//x", "https://example.com/%7Euser//x"),
)
"""As written in the document, and as a browser asks for it."""

UNTOUCHED = (
    "mailto:info@example.com",
    "tel:+31201234567",
    "#top",
    "/relative/path",
    "javascript:void(0)",
    "data:text/plain,x",
    "ftp://ftp.example.com/file",
)


@frozen(kw_only=True)
class Newsletter:
    """
    A message.

    @ivar destinations: what its links lead to, in order.
    @ivar html: its document, decoded.
    @ivar kept: what looks like a link, or stands in one, and must be there as it was; judged by hand.
    """

    name: str
    content: bytes = field(repr=False)
    html: bytes = field(repr=False)
    charset: str
    destinations: tuple[str, ...]
    kept: tuple[str, ...] = ()


@frozen(kw_only=True)
class _Document:
    name: str
    html: str
    destinations: tuple[str, ...]
    kept: tuple[str, ...]


def _anchors(text: str = "Read more") -> str:
    tracked = "\r\n".join(f'<p><a class="button" href="{href}">{text}</a></p>' for href, _ in LINKS)
    others = "".join(f'<a href="{href}">other</a> ' for href in UNTOUCHED)
    return tracked + others


ALL = tuple(destination for _, destination in LINKS)

SHEET = (
    "body { margin: 0; color: #333333 } .button { background-color: #ff0000; color: white !important }\r\n"
    "td.cell { width: 100px; text-align: center } a:hover { color: red }\r\n"
    "@media only screen and (max-width: 600px) { .button { width: 100% !important } td { display: block } }"
)


def _documents(word: str) -> Iterator[_Document]:
    """The odd shapes. C{word} is a text in the language of the charset."""
    links = _anchors()

    def document(name: str, html: str, destinations: tuple[str, ...] = ALL, kept: tuple[str, ...] = ()) -> _Document:
        others = tuple(f'<a href="{href}">other</a>' for href in UNTOUCHED) if links[-99:] in html else ()
        return _Document(name=name, html=html, destinations=destinations, kept=(*kept, *others))

    yield document(
        "plain",
        f"<!DOCTYPE html>\r\n<html><head><title>{word} &amp; more</title><style>{SHEET}</style></head>\r\n"
        f"<body><h1>{word}</h1>{links}</body></html>\r\n",
    )
    yield document(
        "transitional",
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
        '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\r\n'
        f'<html xmlns="http://www.w3.org/1999/xhtml"><head><meta http-equiv="Content-Type" content="text/html" />\r\n'
        f'<style type="text/css">{SHEET}</style><style>p{{margin:0}}</style></head><body>{links}<br /></body></html>',
    )
    yield document(
        "outlook",
        "<!--[if mso]><xml><o:PixelsPerInch>96</o:PixelsPerInch></xml><![endif]-->"
        f'<style>{SHEET}</style><body><!--[if mso]><table><tr><td><a href="https://mso.example.com/x">'
        f"</a><![endif]-->{links}<!--[if mso]></td></tr></table><![endif]-->"
        f"<![if !mso]><p>{word}</p><![endif]><!--[if !mso]><!--><i>shown</i><!--<![endif]--></body>",
        kept=(
            '<!--[if mso]><table><tr><td><a href="https://mso.example.com/x"></a><![endif]-->',
            "<!--[if !mso]><!-->",
        ),
    )
    yield document(
        "tables",
        f"<style>{SHEET}</style><table width=600 bgcolor=#ffffff><tr><td class=cell><table><tr><td>{links}"
        f"<td>{word}<tr><td>no end<table><td>deep</table></body>",
    )
    yield document(
        "no-ends", f"<p>{word}<p>{links}<ul><li>one<li>two<b><i>three</b></i><div><span style='color:red'>four"
    )
    yield document(
        "unquoted",
        f"<body><a href=https://example.com/unquoted?a=1&b=2 class=x>{word}</a>"
        "<a href = 'https://example.com/single'>s</a><A\r\nHREF\r\n=\r\n\"https://example.com/lines\">l</A>"
        '<area shape=rect href="https://example.com/area"></body>',
        (
            "https://example.com/unquoted?a=1&b=2",
            "https://example.com/single",
            "https://example.com/lines",
            "https://example.com/area",
        ),
    )
    yield document(
        "traps",
        "<body><a title=\" href='https://no.example.com/'\" href='https://example.com/yes'>x</a>"
        '<!-- <a href="https://example.com/comment">c</a> --><a data-href="https://example.com/data">d</a>'
        '<style>a[href="https://example.com/css"] { color: red }</style><textarea><a href="https://example.com/t">'
        '</textarea><a href="https://example.com/first" href="https://example.com/second">two</a>'
        "<a href=\"https://example.com/it's?a=%zz&lt;#frag'ment\">odd</a></body>",
        ("https://example.com/yes", "https://example.com/first", "https://example.com/it's?a=%zz%3C"),
        (
            "title=\" href='https://no.example.com/'\"",
            '<!-- <a href="https://example.com/comment">c</a> -->',
            'data-href="https://example.com/data"',
            '<textarea><a href="https://example.com/t"></textarea>',
            ' href="https://example.com/second">',
        ),
    )
    yield document(
        "entities",
        f"<body>&nbsp;&euro;&#8364;&copy 2024 &notit; {word}<a href='&#104;ttps://example.com/&#x61;?x=&quot;y&quot;'>"
        f"e</a>{{{{ name }}}} %%token%%<a href=' https://example.com/space '>s</a></body></html>\r\n",
        ("https://example.com/a?x=%22y%22", "https://example.com/space"),
        ("&nbsp;&euro;&#8364;&copy 2024 &notit; ", "{{ name }}", "%%token%%"),
    )
    yield document(
        "long-line", f"<body>{'<td>' + word + '</td>' * 30}{links.replace(chr(13) + chr(10), '') * 3}</body>", ALL * 3
    )
    yield document("no-body-tag", f"{links}{word}")
    yield document("two-bodies", f"<html><body>{links}</body></html>\r\n<html><body>{word}</body></html>\r\n")


_TEXTS = {
    "utf-8": "Größe 日本 €",
    "us-ascii": "plain",
    "iso-8859-1": "Größe",
    "windows-1252": "“Größe” €",
    "shift_jis": "表示 ソース 日本語",
    "gbk": "中文 简体",
    "iso-2022-jp": "日本語の表示",
    "koi8-r": "Привет",
}
_ENCODINGS = ("8bit", "quoted-printable", "base64")
_STRUCTURES = ("single", "alternative", "related", "mixed")


def encode(raw: bytes, encoding: str) -> bytes:
    """A body under a transfer encoding, with CRLF line ends."""
    if encoding == "base64":
        text = b64encode(raw)
        return b"".join(text[start : start + 76] + b"\r\n" for start in range(0, len(text), 76))
    if encoding == "quoted-printable":
        return encodestring(raw.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return raw


def newsletters() -> Iterator[Newsletter]:
    """All of them: each document in each charset, encodings and structures in turn."""
    number = 0
    for charset, word in _TEXTS.items():
        for document in _documents(word):
            encodings = ("7bit", *_ENCODINGS[1:]) if charset in ("us-ascii", "iso-2022-jp") else _ENCODINGS
            encoding = encodings[number % len(encodings)]
            structure = _STRUCTURES[(number // 3) % len(_STRUCTURES)]
            html = document.html.encode(charset)
            yield Newsletter(
                name=f"{document.name}-{charset}-{encoding}-{structure}",
                content=message(html, charset, encoding, structure),
                html=html,
                charset=charset,
                destinations=document.destinations,
                kept=document.kept,
            )
            number += 1


_HEADER = (
    b"From: News <news@example.com>\r\nTo: Reader <reader@example.net>\r\nSubject: =?utf-8?q?News?= of the\r\n week\r\n"
    b"Date: Mon, 02 Sep 2024 10:00:00 +0200\r\nMessage-ID: <1@example.com>\r\nMIME-Version: 1.0\r\n"
)


def message(html: bytes, charset: str, encoding: str = "8bit", structure: str = "single") -> bytes:
    """A message around a document."""
    part = (
        b'Content-Type: text/html; charset="' + charset.encode() + b'"\r\nContent-Transfer-Encoding: '
        + encoding.encode() + b"\r\n\r\n" + encode(html, encoding)
    )  # fmt: skip
    if structure == "single":
        return _HEADER + part
    text = b"Content-Type: text/plain\r\n\r\nSee https://www.example.com/text\r\n"
    image = (
        b"Content-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <i@x>\r\n\r\n"
        b"R0lGODlhAQABAAAAACw=\r\n"
    )
    body = {
        "alternative": _multipart("alternative", text, part),
        "related": _multipart("related", part, image),
        "mixed": _multipart("mixed", _multipart("alternative", text, _multipart("related", part, image)), image),
    }
    return _HEADER + body[structure]


def _multipart(subtype: str, *parts: bytes) -> bytes:
    boundary = b"=_" + subtype.encode()
    opened = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    kind = b"Content-Type: multipart/" + subtype.encode() + b'; boundary="' + boundary + b'"\r\n\r\n'
    return kind + b"This is MIME.\r\n" + opened + b"--" + boundary + b"--\r\n"
