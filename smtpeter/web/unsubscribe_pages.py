"""
The pages at which readers unsubscribe: plain HTML without scripts, for any screen, screen reader and keyboard.

Their style stands in them, under a Content-Security-Policy that names it by its hash and allows nothing else.
They promise only what holds for every C{suppression.reasons}.
"""

from base64 import b64encode
from hashlib import sha256
from typing import Final

_STYLE = """
body { font: 1.125rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto; padding: 0 1.25rem;
  color: #1b1b1b; background: #fff }
h1 { font-size: 1.6rem; line-height: 1.25 }
button { font: inherit; font-weight: 600; padding: .7rem 1.5rem; border: 2px solid #0b4f9e; border-radius: .4rem;
  color: #fff; background: #0b4f9e; cursor: pointer }
button:hover { background: #083a75 }
button:focus-visible { outline: 3px solid #e08700; outline-offset: 3px }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #16181c } }
"""

_FORM = (
    "<p>Press the button if you want no more mail from the sender of the message.</p>"
    '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
    '<button type="submit">Unsubscribe</button></form>'
    "<p>If you came here by mistake, close this page: nothing has been changed.</p>"
)


def _page(title: str, content: str) -> bytes:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex, nofollow">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{title}</h1>\n{content}\n</main>\n</body>\n</html>\n"
    ).encode("ascii")


ASK: Final = _page("Do you want to unsubscribe?", _FORM)
DONE: Final = _page(
    "You are unsubscribed", "<p>It is recorded that you want no more mail from the sender. You can close this page.</p>"
)
WRONG: Final = _page(
    "Nothing was changed",
    "<p>The request was not understood. Open the address of this page again, and press the button.</p>",
)
BUSY: Final = _page(
    "Nothing was changed yet", "<p>This cannot be done at the moment. Please try again in a few minutes.</p>"
)

HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode('ascii')).digest()).decode('ascii')}'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
}
"""Of each page: it is not kept, not found by search engines, not shown in a frame, and tells nobody its address."""
