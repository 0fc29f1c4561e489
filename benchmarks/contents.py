"""Messages to measure with: letters of a given size, and newsletters. Each message differs from every other."""

from collections.abc import Callable

Content = Callable[[int], bytes]
"""Makes the content of a message from its number, dots stuffed, without the final dot."""

_HEADER = """From: Shop <news@{domain}>\r
To: Reader {{number}} <reader@example.net>\r
Subject: Offer {{number:012d}}\r
Date: Fri, 20 Nov 2026 09:00:00 +0000\r
Message-ID: <{{number:012d}}@{domain}>\r
MIME-Version: 1.0\r
Content-Type: multipart/alternative; boundary="=-bound"\r
\r
--=-bound\r
Content-Type: text/plain; charset=utf-8\r
\r
"""
_BETWEEN = "\r\n--=-bound\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
_END = "\r\n--=-bound--\r\n"
_LINKS = 5
_PRODUCTS = 97
"""From which a newsletter chooses."""

_STYLES = """<style>
body { margin: 0; background-color: #f4f4f4; font-family: Arial, sans-serif; }
table.frame { width: 600px; margin: 0 auto; background: #ffffff; border-collapse: collapse; }
td { padding: 12px 20px; font-size: 15px; line-height: 1.5; color: #333333; }
h1, h2 { color: #004488; margin: 0 0 8px 0; font-weight: bold; }
.product { border-bottom: 1px solid #dddddd; } .product p { margin: 4px 0; }
.product img { border: 0; display: block; } .price { color: #aa0000; font-weight: bold; }
a.button { background: #004488; color: #ffffff; padding: 8px 16px; text-decoration: none; }
.footer td { font-size: 11px; color: #888888; text-align: center; } a:hover { text-decoration: underline; }
@media (max-width: 600px) { table.frame { width: 100% !important; } }
</style>"""


def letter(domain: str, size: int) -> Content:
    """Two alternatives, text and HTML with five links, of about so many octets together."""
    room = max(300, size - len(_HEADER) - 600)
    text = _lines("The quick brown fox jumps over the lazy dog and comes home again. ", room // 3)
    links = "".join(
        f'<p><a href="https://www.{domain}/offer/{index}?source=mail&amp;n={{number}}">Offer {index}</a></p>\r\n'
        for index in range(_LINKS)
    )
    body = _lines("<p>The quick brown fox jumps over the lazy dog and comes home.</p>", room - room // 3)
    html = f"<html><head><title>Offers</title></head><body>\r\n{links}{body}</body></html>"
    return _numbered(_HEADER.format(domain=domain) + text + _BETWEEN + html + _END)


def newsletter(domain: str, size: int) -> Content:
    """
    A newsletter with a style sheet and a table of products, two links each, of about so many octets.

    All have the style sheet in common; each has other products than its neighbours, and products differ in their
    elements: so no two documents are alike, and nothing but the style sheet is known.
    """
    parts, count = _parts(domain, size)

    def make(number: int) -> bytes:
        steps = range(3 + number % 5, 3 + number % 5 + count * (1 + number // _PRODUCTS), 1 + number // _PRODUCTS)
        chosen = [parts[1 + (number + step) % _PRODUCTS] for step in steps]
        return "".join((parts[0], *chosen, parts[-1])).format(number=number).encode()

    return make


def mailing(domain: str, size: int) -> Content:
    """The same newsletter for all, but for the reader's name and what the links say of the reader."""
    parts, count = _parts(domain, size)
    return _numbered("".join((*parts[: 1 + count], parts[-1])))


def _parts(domain: str, size: int) -> tuple[list[str], int]:
    """What is in front of the products, the products, and what is behind; and how many of them make that size."""
    header = _HEADER.format(domain=domain) + "The news of this week.\r\n" + _BETWEEN
    head = f"<!DOCTYPE html><html><head><title>News</title>{_STYLES}</head><body>".replace("{", "{{").replace("}", "}}")
    start = head + '<table class="frame"><tr><td colspan="2"><h1>Hello reader {number}</h1></td></tr>\n'
    end = '<tr class="footer"><td colspan="2">You get this because you asked for it.</td></tr></table></body></html>'
    products = [_product(domain, index) for index in range(_PRODUCTS)]
    count = max(1, (size - len(header) - len(start) - len(end)) * _PRODUCTS // sum(map(len, products)))
    first, *rest = (text.replace("\n", "\r\n") for text in (start, *products))
    return [header + first, *rest, end + _END], count


def _product(domain: str, index: int) -> str:
    """The rows of a product; one has an image, a second paragraph or a reduced price, another has not."""
    image = f'<img src="https://img.{domain}/{index}.jpg" width="160" height="120">'
    more = "<p>There are more of it in <b>other</b> colours.</p>\n"
    price = f'<p class="price">&euro; {index},95</p>'
    reduced = f'<p><s>&euro; {index + 9},95</s> <span class="price">&euro; {index},95</span></p>'
    return f"""<tr class="product"><td>{image if index % 3 else "New"}</td>
<td><h2>Product number {index}</h2>
<p>A short description of what it is and why you would want it, &eacute;l&egrave;ve.</p>
{more if index % 2 else ""}{reduced if index % 5 == 0 else price}\
<p><a href="https://www.{domain}/p/{index}?n={{number}}">More about it</a></p>
<p><a class="button" href="https://www.{domain}/buy/{index}?n={{number}}">Order now</a></p></td></tr>
"""


KINDS: dict[str, Callable[[str, int], Content]] = {"letter": letter, "newsletter": newsletter, "mailing": mailing}
"""By name, what makes contents for a domain and a size in octets."""


def _lines(line: str, octets: int) -> str:
    return (line + "\r\n") * (octets // (len(line) + 2))


def _numbered(template: str) -> Content:
    return lambda number: template.format(number=number).encode()
