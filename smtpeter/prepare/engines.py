"""The CSS engines, by their names in the configuration. Each needs libraries that the others do without."""

from typing import Protocol

from smtpeter.boundaries.prepare import InlineRequest, InlineResult


class InlineEngine(Protocol):
    """Inlines one document at a time, in the process that calls it."""

    def inline(self, request: InlineRequest) -> InlineResult:
        """
        Move rules to style attributes.

        @raise InliningFailed: it cannot, or will not.
        """


def make_engine(name: str) -> InlineEngine:
    """
    A new engine.

    @raise ImportError: its libraries are not installed.
    """
    if name == "css-inline":
        from smtpeter.prepare.fast_engine import FastEngine

        return FastEngine()
    from smtpeter.prepare.engine import Engine

    return Engine()
