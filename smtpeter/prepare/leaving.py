"""List-Unsubscribe with an address of ours for each message, and the field that makes it one-click (RFC 8058)."""

from smtpeter.mime.headers import HeaderBlock
from smtpeter.model.message import Submission
from smtpeter.prepare.html_part import Tracking
from smtpeter.prepare.splices import Piece
from smtpeter.tracking.tokens import unsubscribe_mark

LEAVING_KEYS = ("list-unsubscribe", "list-unsubscribe-post")
"""The fields that are written anew."""

NO_ADDRESS = "our unsubscribe address was left out: tracking.url of the configuration is not https (RFC 8058)"
"""What the sender is told of a message that waited while the configuration was changed."""

_ONE_CLICK = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


def has_own_address(submission: Submission, tracking: Tracking) -> bool:
    """Whether its messages get one: asked for, and https, as one-click demands (RFC 8058, 3.1)."""
    return submission.features.unsubscribe and tracking.base.startswith("https://")


def leaving_pieces(headers: HeaderBlock, tracking: Tracking) -> list[Piece]:
    """
    Both fields, whole. The address comes first; others that the content names, such as a mailto, stay behind it.

    @param headers: of the content.
    """
    mark = unsubscribe_mark(tracking.keys, tracking.host)
    others = (field.value for field in headers.named("List-Unsubscribe"))
    tail = b",\r\n ".join((mark.tail.encode("ascii") + b">", *filter(None, others)))
    front = f"List-Unsubscribe: <{tracking.base}{mark.head}".encode("ascii")
    return [front, mark.seal, tail + b"\r\n" + _ONE_CLICK]
