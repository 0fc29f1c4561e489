"""What the queue asks of processing, and what processing asks of a CSS engine."""

from typing import Protocol

from attrs import frozen

from smtpeter.model.message import Submission


class InliningFailed(Exception):
    """The engine could not do it (hostile style sheet, time, memory): the message goes on un-inlined."""


@frozen(kw_only=True)
class InlineRequest:
    """
    A document whose elements are numbered.

    Every start tag that may be styled carries the attribute C{data-smtpeter-n} with its number.
    """

    html: str
    style_sheets: tuple[str, ...]
    """The contents of its C{style} elements in document order; the copy in C{html} has them too."""


@frozen(kw_only=True)
class InlineResult:
    """What is to be spliced into the original bytes."""

    attributes: dict[int, dict[str, str]]
    """By element number: the new values of C{style}, C{width}, C{bgcolor}, C{align}, … that the engine set."""
    remaining: tuple[str, ...]
    """For each style sheet, what could not be inlined and stays in its C{style} element."""
    warnings: tuple[str, ...] = ()


class Inliner(Protocol):
    """A CSS engine behind the boundary; it never yields a document."""

    async def inline(self, request: InlineRequest) -> InlineResult:
        """
        Move rules to style attributes.

        @raise InliningFailed: not possible in the time and memory allowed.
        """


class Prepared(Protocol):
    """A compiled submission: the costly half is done."""

    @property
    def is_shared(self) -> bool:
        """Whether content and reverse-path are the same for every recipient."""

    @property
    def is_eightbit(self) -> bool:
        """Whether the content has octets over 127."""

    @property
    def needs_utf8(self) -> bool:
        """Whether header fields need SMTPUTF8 at the next hop (RFC 6531)."""

    @property
    def size_bytes(self) -> int:
        """About how large a rendered message is."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be done, in words for the sender."""

    def reverse_path(self, message_id: str) -> str:
        """What MAIL FROM says for that message."""

    async def render(self, message_id: str, seven_bit: bool) -> bytes:
        """The content as sent, signed; CRLF line ends, dots not stuffed."""


class Preparer(Protocol):
    """Does the costly half once per submission."""

    async def prepare(self, submission: Submission) -> Prepared:
        """
        Compile. Content that cannot be parsed goes on unchanged with a warning, so this fails only for faults of ours.

        @raise StorageBusy: keys cannot be read, or images not be stored, now.
        """
