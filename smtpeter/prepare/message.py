"""
From a submission and its changed parts to a recipe: the header block that goes on, and the body around the changes.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from attrs import frozen

from smtpeter.mime.document import Part, editable_html_parts
from smtpeter.mime.headers import Field, HeaderBlock, read_headers
from smtpeter.mime.repair import Origin, fields_to_add, is_removed
from smtpeter.mime.scanner import TooDeep, scan
from smtpeter.mime.sevenbit import reencode_long_lines
from smtpeter.mime.words import decode_text
from smtpeter.model.keys import MacKeys
from smtpeter.model.message import Submission
from smtpeter.prepare.envelope import REFERENCE_FIELD, feedback_field, is_tracked
from smtpeter.prepare.html_part import Change, Tracking, Wanted
from smtpeter.prepare.leaving import LEAVING_KEYS, has_own_address, leaving_pieces
from smtpeter.prepare.links import kept_addresses
from smtpeter.prepare.recipe import Edit, Recipe, make_recipe
from smtpeter.prepare.splices import Piece
from smtpeter.tracking.tokens import reference_mark

_ENCODING_KEY = "content-transfer-encoding"
_REFERENCE_KEY = REFERENCE_FIELD.lower()


@frozen(kw_only=True)
class Opened:
    """
    A submission's content, its long lines re-encoded, and where its parts are.

    @ivar parts: the HTML parts that may be changed; none when no feature asks for it.
    """

    content: bytes
    headers: HeaderBlock
    root: Part | None
    parts: tuple[Part, ...]
    wanted: Wanted
    warnings: tuple[str, ...] = ()


def open_message(submission: Submission) -> Opened:
    """Find what is to be changed. A message without any feature is not divided into parts."""
    features = submission.features
    warnings: tuple[str, ...] = ()
    try:
        content = reencode_long_lines(submission.content)
        needs_parts = submission.source != "dsn" and (features.inlinecss or features.trackclicks or features.trackopens)
        root = scan(content) if needs_parts else None
    except TooDeep:
        content, root = submission.content, None
        warnings = ("the message was left as it is: its parts are nested too deep",)
    headers = read_headers(content)
    kept = kept_addresses(decode_text(each.raw) for each in headers.named("List-Unsubscribe"))
    return Opened(
        content=content,
        headers=headers,
        root=root,
        parts=tuple(editable_html_parts(root)) if root else (),
        wanted=Wanted(
            clicks=features.trackclicks, opens=features.trackopens, preventscam=features.preventscam, kept=kept
        ),
        warnings=warnings,
    )


def tracking_of(keys: MacKeys, url: str) -> Tracking:
    """What a tracking base means for tokens."""
    return Tracking(keys=keys, base=url, host=urlsplit(url).netloc)


def close_message(
    opened: Opened, changes: Sequence[tuple[Part, Change]], submission: Submission, origin: Origin, tracking: Tracking
) -> Recipe:
    """
    Put the message together again.

    @param changes: of the parts, in the order of the message.
    """
    edits: list[Edit] = []
    dropped = {_REFERENCE_KEY} if is_tracked(submission) else set()
    if has_own_address(submission, tracking):
        dropped.update(LEAVING_KEYS)
    added = b""
    for part, change in changes:
        if change.segments is None:
            continue
        if change.encoding is not None and part is opened.root:
            dropped.add(_ENCODING_KEY)
            added = _encoding_field(change.encoding)
        elif change.encoding is not None:
            span = part.encoding_span or (part.header_end, part.header_end)
            edits.append((*span, (_encoding_field(change.encoding),)))
        edits.append((part.body_start, part.end, change.segments))
    header = _header(opened.headers, submission, origin, tracking, dropped, added)
    return make_recipe(header, opened.content, opened.headers.body_start, edits)


def _encoding_field(encoding: str) -> bytes:
    return b"Content-Transfer-Encoding: " + encoding.encode("ascii") + b"\r\n"


def _header(
    headers: HeaderBlock, submission: Submission, origin: Origin, tracking: Tracking, dropped: set[str], added: bytes
) -> list[Piece]:
    def is_dropped(field: Field) -> bool:
        return is_removed(field) or field.key in dropped

    pieces: list[Piece] = [fields_to_add(headers, origin)]
    if is_tracked(submission):
        mark = reference_mark(tracking.keys)
        pieces += [f"{REFERENCE_FIELD}: {mark.head}".encode("ascii"), mark.seal, mark.tail.encode("ascii") + b"\r\n"]
        if not headers.has("Feedback-ID"):
            added = feedback_field(submission) + added
    if has_own_address(submission, tracking):
        pieces += leaving_pieces(headers, tracking)
    return [*pieces, headers.rewritten(added, is_dropped)]
