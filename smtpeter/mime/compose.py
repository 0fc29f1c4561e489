"""
Composes messages: values in, a whole MIME message out, or all that is wrong with them.

Called so, in a work thread when C{composition} is larger than some hundred kilobytes::

    composition = Composition(sender="Shop <shop@x.example>", to=("joe@y.example",), subject="Hi", text="Hello")
    try:
        content = compose(composition, chance)          # chance: 16 random bytes from where assembly gets them
    except NotComposable as refusal:
        refusal.faults                                  # Fault(field="to[1]", message="to[1] contains …"), …

C{content} is what a C{Draft} takes: CRLF line ends, no line over 998 octets, Date and Message-ID still missing
(L{smtpeter.mime.repair}). The header has exactly the fields that were given: whatever could end a field early, or be
read as another one, is refused or stands encoded. Recipients are no part of it.

Shape: C{text}, C{html}, or both in C{multipart/alternative}; HTML and its embedded files in C{multipart/related};
all of that and the attached files in C{multipart/mixed}.
"""

import re

from smtpeter.mime.addresses import FromError, sender_address
from smtpeter.mime.entities import Entity, TextSubtype, container_entity, text_entity
from smtpeter.mime.faults import Faults, NotComposable, line_problem, member, text_problem
from smtpeter.mime.files import file_entities
from smtpeter.mime.headers import read_headers
from smtpeter.mime.limits import MAX_HEADER_BYTES
from smtpeter.mime.mailboxes import Mailbox, read_mailboxes, write_mailboxes
from smtpeter.mime.unsubscribing import unsubscribe_fields
from smtpeter.mime.words import encode_words, fold_field
from smtpeter.model.composition import Addresses, Composition

MAX_ADDRESSES = 128 * 1024
"""Characters of all addresses in a field."""
MAX_VALUE = 16 * 1024
"""Characters of the subject or of an extra header."""
MAX_EXTRA = 1000
MAX_NAME = 76
"""Characters of a header's name."""

_EXTRA_NAME = re.compile(r"[Xx]-[!-9;-~]+")
_MAX_WORD = 900

__all__ = ["NotComposable", "compose"]


def compose(composition: Composition, chance: bytes) -> bytes:
    """
    Write the message.

    @param chance: what nobody can foretell, for the boundaries; the same composition and chance give the same bytes.
    @raise NotComposable: it has all faults, not only the first.
    """
    faults = Faults()
    head = _header(composition, faults)
    body = _body(composition, faults, chance)
    if len(head) > MAX_HEADER_BYTES:
        place = "extra" if composition.extra else "to"
        faults.add(place, f"and the other properties make a header that is larger than {MAX_HEADER_BYTES} octets")
    faults.check()
    content = b"".join((head, b"MIME-Version: 1.0\r\n", body.head, b"\r\n", *body.pieces))
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def _header(composition: Composition, faults: Faults) -> bytes:
    """All fields but those of MIME."""
    fields = [
        _sender(composition.sender, faults),
        _addresses("to", "To", composition.to, faults),
        _addresses("cc", "Cc", composition.cc, faults),
        _addresses("replyto", "Reply-To", composition.replyto, faults),
    ]
    if composition.subject is not None:
        fields.append(_text_field("subject", "Subject", composition.subject, faults))
    if composition.unsubscribe is not None:
        fields.append(unsubscribe_fields(composition.unsubscribe, faults))
    if len(composition.extra) > MAX_EXTRA:
        faults.add("extra", f"has more than {MAX_EXTRA} headers")
    elif sum(len(name) + len(value) for name, value in composition.extra) > MAX_HEADER_BYTES:
        faults.add("extra", f"has more than {MAX_HEADER_BYTES} characters")
    else:
        fields += [_extra(name, value, faults) for name, value in composition.extra]
    return b"".join(fields)


def _sender(given: Addresses, faults: Faults) -> bytes:
    """From, which must also be one that L{smtpeter.mime.addresses} reads in one way only."""
    mailboxes, is_read = _read("from", given, faults)
    if is_read and len(mailboxes) != 1:
        faults.add("from", f"has {len(mailboxes)} addresses where exactly one is needed" if mailboxes else "is missing")
        return b""
    written = write_mailboxes("From", mailboxes)
    try:
        if is_read:
            sender_address(read_headers(written))
    except FromError as error:
        faults.add("from", f"cannot be used: {error}")
    return written


def _addresses(place: str, name: str, given: Addresses, faults: Faults) -> bytes:
    mailboxes, _ = _read(place, given, faults)
    return write_mailboxes(name, mailboxes) if mailboxes else b""


def _read(place: str, given: Addresses, faults: Faults) -> tuple[list[Mailbox], bool]:
    """The addresses, and whether all could be read."""
    texts = [(place, given)] if isinstance(given, str) else [(f"{place}[{n}]", text) for n, text in enumerate(given)]
    if sum(len(text) + 1 for _, text in texts) > MAX_ADDRESSES + 1:
        faults.add(place, f"has more than {MAX_ADDRESSES} characters")
        return [], False
    mailboxes: list[Mailbox] = []
    is_read = True
    for spot, text in texts:
        problem = line_problem(text, MAX_ADDRESSES)
        found, problems = ([], [problem]) if problem else read_mailboxes(text)
        faults.add_all(spot, problems)
        mailboxes += found
        is_read = is_read and not problems
    return mailboxes, is_read


def _extra(name: str, value: str, faults: Faults) -> bytes:
    place = member("extra", name)
    if _EXTRA_NAME.fullmatch(name) is None or len(name) > MAX_NAME:
        faults.add(
            place, f"is no name of a header: it must begin with x- and have at most {MAX_NAME} printable characters"
        )
        name = "X"
    return _text_field(place, name, value, faults)


def _text_field(place: str, name: str, text: str, faults: Faults) -> bytes:
    """An unstructured field that is read back as it was given, but for tabs, which become spaces."""
    if not faults.allows_line(place, text, MAX_VALUE):
        return b""
    text = text.replace("\t", " ")
    words = text.split(" ") if text else []
    if any(not word or not word.isascii() or len(word) > _MAX_WORD or "=?" in word for word in words):
        words = encode_words(text)
    return fold_field(name, words)


def _body(composition: Composition, faults: Faults, chance: bytes) -> Entity:
    plain = _text("text", "plain", composition.text, faults)
    html = _text("html", "html", composition.html, faults)
    if plain is None and html is None:
        faults.add("text", "is missing: a message has text, html or both")
    embedded, attached = file_entities(composition.attachments, faults)
    if html is not None and embedded:
        html, embedded = container_entity("related", [html, *embedded], chance), []
    bodies = [each for each in (plain, html) if each is not None]
    if len(bodies) == 2:
        bodies = [container_entity("alternative", bodies, chance)]
    parts = [*bodies, *embedded, *attached]
    return parts[0] if len(parts) == 1 else container_entity("mixed", parts, chance)


def _text(place: str, subtype: TextSubtype, text: str | None, faults: Faults) -> Entity | None:
    if text is None:
        return None
    problem = text_problem(text)
    if problem:
        faults.add(place, problem)
        text = ""
    return text_entity(subtype, text)
