"""Tells the demo's story on the terminal, or as JSON objects."""

from collections.abc import Sequence

from smtpeter.cli.capture import Captured
from smtpeter.cli.demo_place import DemoPlace
from smtpeter.cli.demo_story import Story, addresses, visible_html
from smtpeter.cli.output import Output, plain, utc
from smtpeter.model.event import Event


def tell(story: Story, out: Output) -> None:
    """Do and show everything, in order; the last line is C{ready}."""
    _introduce(story.place, out)
    message = story.send()
    out.one({"sent": message["Subject"]}, _titled("handed in over STARTTLS and AUTH", message.as_string()))
    arrived = story.arrived()
    page = visible_html(arrived.content)
    out.one(
        _arrival(arrived),
        _titled(
            f"arrived, MAIL FROM:<{arrived.reverse_path}>; its header, and its HTML part decoded",
            _headers(arrived) + "\n\n" + page,
        ),
    )
    _visit(story, out, page)
    _list_events(story.events(), out)
    _say_how_to_go_on(story.place, out)
    out.one({"status": "ready"}, "ready")


def _introduce(place: DemoPlace, out: Output) -> None:
    record = {"folder": str(place.folder), "smtp": place.smtp_port, "web": place.web_port}
    out.one(
        record,
        f"SMTPeter runs in {place.folder}: SMTP on localhost:{place.smtp_port}, web on localhost:{place.web_port}",
    )


def _arrival(arrived: Captured) -> dict[str, object]:
    return {
        "arrived": arrived.recipient,
        "reverse_path": arrived.reverse_path,
        "content": arrived.content.decode("utf-8", "replace"),
    }


def _headers(arrived: Captured) -> str:
    return arrived.content.partition(b"\r\n\r\n")[0].decode("utf-8", "replace").replace("\r\n", "\n")


def _visit(story: Story, out: Output, page: str) -> None:
    link, pixel = addresses(page)
    status, location = story.visit(link)
    out.one({"click": link, "status": status, "location": location}, f"\nclick {link}\n   -> {status} {location}")
    status, _ = story.visit(pixel)
    out.one({"open": pixel, "status": status}, f"open  {pixel}\n   -> {status}")


def _list_events(events: Sequence[Event], out: Output) -> None:
    if not out.is_json:
        out.one({}, "\nevents")
    for event in events:
        record = {"event": event.type, "time": utc(event.at), "recipient": event.recipient, "tags": list(event.tags)}
        out.one(record, f"  {utc(event.at)}  {event.type:<9} {plain(event.recipient)}  {';'.join(event.tags)}")


def _say_how_to_go_on(place: DemoPlace, out: Output) -> None:
    record = {"config": str(place.config), "username": place.username, "password": place.password}
    text = f"""
Send mail of your own through it, from any address at shop.example; it goes nowhere but here:
  curl --ssl-reqd --cacert {place.certificate} --url smtp://localhost:{place.smtp_port} \\
       --user '{place.username}:{place.password}' \\
       --mail-from me@shop.example --mail-rcpt you@customer.example --upload-file MESSAGE.eml
  smtpeter --config {place.config} events --follow
Ctrl-C ends it.
"""
    out.one(record, text)


def _titled(title: str, body: str) -> str:
    indented = "\n".join(f"  | {line}" for line in plain(body.strip()).splitlines())
    return f"\n{title}\n{indented}"
