"""What a message may not exceed to be accepted: its header block, its hops, the nesting of its parts."""

from smtpeter.mime.headers import HeaderBlock, find_body, read_headers
from smtpeter.mime.scanner import MAX_DEPTH, TooDeep, scan

MAX_HEADER_BYTES = 256 * 1024
MAX_HOPS = 50


class LimitExceeded(Exception):
    """The message is not acceptable; the text says why, for a person."""


class HeaderTooLarge(LimitExceeded):
    """The header block is over L{MAX_HEADER_BYTES}."""


class TooManyHops(LimitExceeded):
    """More than L{MAX_HOPS} Received fields: it goes round in circles (RFC 5321, 6.3)."""


class NestedTooDeep(LimitExceeded):
    """Parts inside parts, over L{MAX_DEPTH} levels."""


def read_within_limits(content: bytes) -> HeaderBlock:
    """
    Read the headers of a message that is acceptable.

    @param content: with CRLF line ends.
    @raise LimitExceeded: it is not; each limit has its own class.
    """
    headers = read_headers(content, limit=MAX_HEADER_BYTES + 1)
    # The limit may have cut a field before its colon, where the block seems to end.
    end = find_body(content, headers.start)[0] if len(content) > MAX_HEADER_BYTES else headers.end
    if end > MAX_HEADER_BYTES:
        raise HeaderTooLarge(f"the header block is larger than {MAX_HEADER_BYTES} octets")
    hops = len(headers.named("Received"))
    if hops > MAX_HOPS:
        raise TooManyHops(f"the message has {hops} Received fields: it is going round in circles")
    if not is_flat(content):
        try:
            scan(content)
        except TooDeep:
            raise NestedTooDeep(f"parts of the message are nested deeper than {MAX_DEPTH} levels") from None
    return headers


def is_flat(content: bytes) -> bool:
    """
    Whether the parts cannot be nested too deep, told without looking for them: whatever contains parts has a
    Content-Type field, or, inside C{multipart/digest}, a delimiter line in front of it.
    """
    # The first count settles it for most small messages, in a tenth of the time.
    return content.count(b"-") <= MAX_DEPTH or (
        content.count(b"-t") + content.count(b"-T") + content.count(b"\r\n--") <= MAX_DEPTH
    )
