"""Keeps mail on its way: a sink that does not answer yet."""

import threading

from attrs import define, field

from tests.support.sink import Delivered


@define(eq=False)
class Valve:
    """Holds up what a sink says to a content, until it is opened: C{Sink(answer_message=valve)}."""

    opened: threading.Event = field(factory=threading.Event)

    def __call__(self, delivered: Delivered) -> str:
        self.opened.wait(120)
        return "250 2.0.0 Ok"

    def open(self) -> None:
        """Let all go on."""
        self.opened.set()
