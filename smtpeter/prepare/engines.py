"""What a CSS engine is, in the process that it works in."""

from typing import Protocol

from smtpeter.boundaries.prepare import InlineRequest, InlineResult


class InlineEngine(Protocol):
    """Inlines one document at a time, in the process that calls it."""

    def inline(self, request: InlineRequest) -> InlineResult:
        """
        Move rules to style attributes.

        @raise InliningFailed: it cannot, or will not.
        """
