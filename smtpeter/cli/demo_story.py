"""What the demo does as a client: sends a newsletter, looks at what arrived, clicks a link, fetches the pixel."""

import email
import email.policy
import html
import http.client
import re
import smtplib
import ssl
import time
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate
from typing import TypeVar
from urllib.parse import urlsplit

from attrs import define

from smtpeter.cli.capture import Captured
from smtpeter.cli.demo_place import DOMAIN, DemoPlace
from smtpeter.cli.direct import run
from smtpeter.cli.failures import Stopped
from smtpeter.model.event import Event

T = TypeVar("T")

RECIPIENT = "ann@customer.example"

_HTML = """\
<!doctype html>
<html><head><title>Spring</title>
<style>
  h1 { color: #2a6; font-family: sans-serif }
  a.button { background-color: #2a6; color: white; padding: 8px 16px }
  @media (max-width: 600px) { h1 { font-size: 20px !important } }
</style></head>
<body><h1>Spring is here</h1>
<p>All bulbs are
<a class="button" href="https://shop.example/bulbs?sort=price&amp;page=1#tulips">half the price</a>.</p>
</body></html>
"""

_WAIT_SECONDS = 30.0


class NothingCame(Stopped):
    """What the demo waited for did not happen; a fault of ours."""


@define(eq=False)
class Story:
    """
    Runs in a thread of its own.

    @ivar captured: gives what has arrived so far.
    """

    place: DemoPlace
    captured: Callable[[], list[Captured]]

    def send(self) -> EmailMessage:
        """Hand the newsletter in, with a certificate check and a login. @return: what was handed in."""
        message = EmailMessage()
        message["From"], message["To"] = f"Shop <news@{DOMAIN}>", f"Ann <{RECIPIENT}>"
        message["Subject"], message["Date"] = "Spring is here", formatdate(time.time())
        message["X-SMTPeter-Tags"] = "spring, demo"
        message.set_content("Spring is here: https://shop.example/bulbs\n")
        message.add_alternative(_HTML, subtype="html", cte="quoted-printable")
        # Else each writing of it has another one, and what is shown is not what was sent.
        message.set_boundary("spring")
        context = ssl.create_default_context(cafile=str(self.place.certificate))
        with smtplib.SMTP("localhost", self.place.smtp_port, timeout=_WAIT_SECONDS) as client:
            client.starttls(context=context)
            client.login(self.place.username, self.place.password)
            client.send_message(message, f"bounces@{DOMAIN}", [RECIPIENT])
        return message

    def arrived(self) -> Captured:
        """
        What came out at the destination.

        @raise NothingCame: it did not come in time.
        """
        return _waited("the newsletter", lambda: next(iter(self.captured()), None))

    def visit(self, url: str) -> tuple[int, str]:
        """Ask for an address as a browser does. @return: the status, and where it redirects to."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_WAIT_SECONDS)
        try:
            connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location", "")
        finally:
            connection.close()

    def events(self) -> list[Event]:
        """
        The journal, once the delivery and both visits are in it.

        @raise NothingCame: they are not in time.
        """
        wanted = {"attempt", "delivery", "click", "open"}

        def look() -> list[Event] | None:
            found = run(self._journal())
            return found if wanted <= {event.type for event in found} else None

        return _waited("the events", look)

    async def _journal(self) -> list[Event]:
        session = self.place.open()
        try:
            return await session.events.events_after(0, 100)
        finally:
            await session.close()


def visible_html(content: bytes) -> str:
    """The HTML part of a message, decoded."""
    part = email.message_from_bytes(content, policy=email.policy.default).get_body(("html",))
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")


def addresses(page: str) -> tuple[str, str]:
    """The first link and the pixel of a page."""
    link, pixel = re.search(r'<a [^>]*href="([^"]+)"', page), re.search(r'<img [^>]*src="([^"]+\.gif)"', page)
    if link is None or pixel is None:
        raise NothingCame("the newsletter arrived without a tracked link or a pixel")
    return html.unescape(link[1]), html.unescape(pixel[1])


def _waited(what: str, look: Callable[[], T | None]) -> T:
    end = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < end:
        found = look()
        if found is not None:
            return found
        time.sleep(0.1)
    raise NothingCame(f"{what} did not come within {_WAIT_SECONDS:g} seconds")
