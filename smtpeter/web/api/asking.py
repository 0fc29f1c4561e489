"""What questions about events have in common in the REST API: windows, tags, domains (pure)."""

from smtpeter.events.windows import BadWindow, window
from smtpeter.model.address import AddressError, parse_address
from smtpeter.model.reading import Period
from smtpeter.web.api.faults import wrong
from smtpeter.web.api.routes import Arguments

MAX_TAGS = 20


def asked_period(arguments: Arguments, now: float, sent_at: float | None = None) -> Period:
    """
    The time that C{start} and C{end} mean.

    @param sent_at: of the message that the question is about.
    @raise APIError: 400.
    """
    try:
        return window(arguments.asked("start"), arguments.asked("end"), now, sent_at)
    except BadWindow as problem:
        raise wrong(f"{str(problem)[:1].upper()}{str(problem)[1:]}.", problem.field) from None


def asked_tags(text: str | None) -> tuple[str, ...]:
    """
    Tags as they stand in an address: joined by semicolons.

    @raise APIError: 400, there are too many.
    """
    tags = tuple(dict.fromkeys(filter(None, (one.strip() for one in (text or "").split(";")))))
    if len(tags) > MAX_TAGS:
        raise wrong(f"No more than {MAX_TAGS} tags can be asked for.", "tags")
    return tags


def asked_domain(text: str | None) -> str | None:
    """
    A recipient domain, in lower case.

    @raise APIError: 400, there can be none of that name.
    """
    if not text:
        return None
    try:
        parse_address(f"x@{text}")
    except AddressError:
        raise wrong("Domain must be the domain of recipients, such as example.com.", "domain") from None
    return text.lower()


def is_asked(arguments: Arguments, name: str) -> bool:
    """Whether something is switched on."""
    return (arguments.asked(name) or "").lower() in ("1", "true", "yes", "on")
