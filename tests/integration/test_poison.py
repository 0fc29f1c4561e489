"""While a hostile message is compiled everything else goes on. By order, not by time."""

from collections.abc import Callable

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import LoopingCall

from smtpeter.model.options import Features
from tests.integration.case import ProcessingCase, from_coroutine
from tests.prepare.rig import MESSAGE, submission
from tests.support import poison
from tests.support.newsletters import newsletters

EVERYTHING = Features(inlinecss=True, trackclicks=True, trackopens=True, trackbounces=True, preventscam=True)
TRACKED = Features(trackclicks=True, trackopens=True, trackbounces=True)
TURNS = 3
"""How often others have their turn at least, in processing that takes longer than a few milliseconds."""

OTHER = next(newsletters()).content


class OrderTests(ProcessingCase):
    """A hostile message first, another one after it: the other one is done first."""

    seconds = 1.0

    def check(self, *messages: Callable[[], bytes]) -> "Deferred[None]":
        """For each of the messages."""
        return from_coroutine(self._check(messages))

    async def _check(self, messages: tuple[Callable[[], bytes], ...]) -> None:
        for message in messages:
            self.done: list[str] = []
            self.turns = 0
            counting = LoopingCall(self._count)
            _ = counting.start(0)
            await gatherResults([self._start("poison", message(), EVERYTHING), self._start("other", OTHER, TRACKED)])
            counting.stop()
            self.assertEqual(self.done, ["other", "poison"])
            self.assertGreater(self.turns, TURNS)

    def _count(self) -> None:
        if "poison" not in self.done:
            self.turns += 1

    def _start(self, name: str, content: bytes, features: Features) -> "Deferred[None]":
        return Deferred.fromCoroutine(self._process(name, content, features))

    async def _process(self, name: str, content: bytes, features: Features) -> None:
        prepared = await self.compiler.prepare(submission(content, features))
        for seven_bit in (False, True):
            sent = await prepared.render(MESSAGE, seven_bit)
            self.assertTrue(sent.isascii() or not seven_bit)
        self.done.append(name)

    def test_css(self) -> "Deferred[None]":
        """Style sheets that take for ever."""
        return self.check(poison.css_work, poison.css_statements)

    def test_mime(self) -> "Deferred[None]":
        """Parts in parts, and very many parts."""
        return self.check(poison.deep_mime, lambda: poison.many_parts(2000))

    def test_tags(self) -> "Deferred[None]":
        """Very many attributes, very many tags."""
        names = ("attributes-100k", "attributes-spread", "tags-90k", "tags-2m")
        return self.check(*(poison.POISON[name] for name in names))

    def test_size(self) -> "Deferred[None]":
        """Twenty megabytes, in each encoding."""
        return self.check(*(poison.POISON[name] for name in ("html-20mb", "html-20mb-qp", "html-20mb-base64")))

    def test_traps(self) -> "Deferred[None]":
        """What takes the square of its length in careless programs."""
        return self.check(*(build for name, build in poison.POISON.items() if name.startswith("trap-")))


class FastOrderTests(OrderTests):
    """The same with css-inline."""

    engine = "css-inline"
