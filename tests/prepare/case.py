"""What tests of compiling have in common."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.prepare import Prepared, Preparer
from smtpeter.model.options import Features
from tests.prepare.rig import ALL, MESSAGE, Domains, Rig, submission

HTML = b"<style>p{color:red}</style>\r\n<p><a href='https://example.com/x'>x</a></p>\r\n"
PLAIN = b"From: a@example.com\r\nTo: b@example.net\r\nSubject: s\r\n\r\nSee https://example.com/ \r\n"
OFF = Features()
CLICKS = Features(trackclicks=True)
OPENS = Features(trackopens=True)
INLINE = Features(inlinecss=True)


class CompilerCase(SynchronousTestCase):
    """Has a rig."""

    @override
    def setUp(self) -> None:
        self.rig = Rig(domains=Domains(has_key=False))

    def prepared(self, content: bytes, features: Features = ALL, **others: Any) -> Prepared:
        """Compile with a new compiler."""
        compiler: Preparer = self.rig.compiler()
        prepared: Prepared = self.successResultOf(compiler.prepare(submission(content, features, **others)))
        return prepared

    def sent(self, content: bytes, features: Features = ALL, seven_bit: bool = False, **others: Any) -> bytes:
        """As rendered for a message."""
        sent: bytes = self.successResultOf(self.prepared(content, features, **others).render(MESSAGE, seven_bit))
        return sent


class Waiting:
    """Threads that begin when they are told."""

    def __init__(self) -> None:
        self.waiting: list[Any] = []

    async def run(self, function: Any, /, *arguments: Any) -> Any:
        """Wait, then call."""
        start: Deferred[None] = Deferred()
        self.waiting.append(start)
        await start
        return function(*arguments)

    def go_on(self) -> int:
        """Let all that wait begin; how many."""
        starting, self.waiting = self.waiting, []
        for each in starting:
            each.callback(None)
        return len(starting)
