"""Tests that a message made in one go is what the server makes of it."""

from attrs import define, evolve
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.prepare import InlineRequest, InlineResult, InliningFailed
from smtpeter.mime.dkim import Signer, generate_rsa_pem
from smtpeter.model.account import SenderDomain, SigningKey
from smtpeter.model.options import Features
from smtpeter.prepare.compiler import Compiler, CompilerSettings
from smtpeter.prepare.engines import make_engine
from smtpeter.prepare.orders import Made, Order, packed_made, packed_order, unpacked_made, unpacked_order
from smtpeter.prepare.signers import REMEMBER_SECONDS
from smtpeter.prepare.workshop import MAX_RESULTS, Workshop, make_workshop, run_through
from tests.prepare.case import HTML
from tests.prepare.rig import BASE, KEYS, MESSAGE, PEM, Inline, submission
from tests.support.newsletters import newsletters

SETTINGS = CompilerSettings(hostname="mail.example.com", tracking_url=BASE, bounce_domain="bounces.example.com")
KEY = SigningKey(domain="example.com", selector="s1", private_pem=PEM)
EVERYTHING = Features(
    inlinecss=True, trackclicks=True, trackopens=True, trackbounces=True, preventscam=True, unsubscribe=True
)
NOW = 1_700_000_100.0


def order(content: bytes, features: Features, key: SigningKey | None = KEY, now: float = NOW) -> Order:
    """An order as it arrives in another process."""
    made = submission(content, features)
    return unpacked_order(packed_order(Order(submission=evolve(made, messages=made.messages[:1]), key=key, now=now)))


def letter(html: bytes) -> bytes:
    """A message of one HTML part."""
    return b"From: a@example.com\r\nContent-Type: text/html\r\n\r\n" + html


@define
class Here:
    """What a compiler in the server's process works with: a key, and an engine that answers at once."""

    engine: object
    key: SigningKey | None = KEY

    async def inline(self, request: InlineRequest) -> InlineResult:
        """Ask the engine."""
        result: InlineResult = self.engine.inline(request)  # type: ignore[attr-defined]
        return result

    async def find_domain(self, account_id: int, name: str) -> SenderDomain | None:
        """Always the key."""
        return SenderDomain(account_id=account_id, name=name, is_approved=True, key=self.key)

    async def is_served(self, name: str) -> bool:
        """Always."""
        return True


@define
class Counting:
    """An engine that counts, and refuses what says so."""

    count: int = 0
    failure: BaseException | None = None

    def inline(self, request: InlineRequest) -> InlineResult:
        """Colour nothing."""
        self.count += 1
        if self.failure is not None:
            raise self.failure
        if "refuse" in request.html:
            raise InliningFailed("No.")
        return InlineResult(attributes={}, remaining=request.style_sheets)


class SameTests(SynchronousTestCase):
    """Beside a compiler of the server."""

    def made_here(self, compiler: Compiler, wanted: Order) -> Made:
        """By the compiler."""
        prepared = self.successResultOf(Deferred.fromCoroutine(compiler.prepare(wanted.submission)))
        content = self.successResultOf(Deferred.fromCoroutine(prepared.render(MESSAGE, False)))
        return Made(
            reverse_path=prepared.reverse_path(MESSAGE),
            is_shared=prepared.is_shared,
            is_eightbit=prepared.is_eightbit,
            needs_utf8=prepared.needs_utf8,
            size_bytes=prepared.size_bytes,
            warnings=prepared.warnings,
            content=content,
        )

    def test_corpus(self) -> None:
        """Every newsletter is the same octet for octet, whatever is asked for, with both engines, signed or not."""
        count = 0
        for name in ("premailer", "css-inline"):
            for key in (KEY, None):
                clock = Clock()
                clock.advance(NOW)
                workshop = make_workshop(SETTINGS, KEYS, make_engine(name))
                compiler = Compiler(
                    Here(make_engine(name), key), Here(make_engine(name)), KEYS, SETTINGS, clock, Inline()
                )
                for each in newsletters():
                    for features in (EVERYTHING, Features(trackclicks=True), Features()):
                        wanted = order(each.content, features, key)
                        made = unpacked_made(packed_made(workshop.make(wanted)))
                        self.assertEqual(made, self.made_here(compiler, wanted), each.name)
                        self.assertEqual(b"DKIM-Signature" in made.content, key is not None)
                        count += 1
        self.assertGreater(count, 1000)


class WorkshopTests(SynchronousTestCase):
    """By itself."""

    def workshop(self, engine: Counting | None) -> Workshop:
        """A new one."""
        return make_workshop(SETTINGS, KEYS, engine)

    def test_refusal(self) -> None:
        """What an engine refuses goes on un-inlined with a warning; the next letter is made."""
        workshop = self.workshop(Counting())
        made = workshop.make(order(letter(b"<!-- refuse -->" + HTML), EVERYTHING))
        self.assertEqual(made.warnings, ("style sheets were not inlined: No.",))
        self.assertIn(BASE.encode(), made.content)
        self.assertEqual(workshop.make(order(letter(HTML), EVERYTHING)).warnings, ())

    def test_memory(self) -> None:
        """Want of memory, while inlining or signing, makes no half message: there is none."""
        engine = Counting(failure=MemoryError())
        with self.assertRaises(MemoryError):
            self.workshop(engine).make(order(letter(HTML), EVERYTHING))
        workshop = self.workshop(None)

        def fail(*_: object) -> bytes:
            raise MemoryError

        self.patch(Signer, "signature", fail)
        with self.assertRaises(MemoryError):
            workshop.make(order(letter(HTML), Features()))

    def test_no_engine(self) -> None:
        """Without an engine style sheets stay as they are, with a warning."""
        made = self.workshop(None).make(order(letter(HTML), EVERYTHING))
        self.assertEqual(len(made.warnings), 1)
        self.assertIn(b"<style>p{color:red}</style>", made.content)

    def test_alike(self) -> None:
        """The letters of a mailing, which differ in texts and links, are inlined once."""
        engine = Counting()
        workshop = self.workshop(engine)
        for number in range(5):
            content = letter(HTML.replace(b"'", b'"').replace(b"example.com/x", b"example.com/%d" % number))
            made = workshop.make(order(content, EVERYTHING))
            self.assertEqual(made.warnings, ())
        self.assertEqual(engine.count, 1)

    def test_forgets(self) -> None:
        """Answers of an engine are kept up to a number."""
        engine = Counting()
        workshop = self.workshop(engine)
        bodies = [b"<style>p{color:red}</style>" + b"<p></p>" * number for number in range(MAX_RESULTS + 1)]
        for body in (*bodies, bodies[0]):
            workshop.make(order(letter(body), Features(inlinecss=True)))
        self.assertLessEqual(len(workshop._bench._results), MAX_RESULTS)
        self.assertEqual(engine.count, MAX_RESULTS + 1)

    def test_keys(self) -> None:
        """Each order is signed at its own time, and with its own key: a new one follows within seconds."""
        workshop = self.workshop(None)
        first = workshop.make(order(letter(b"x"), Features()))
        self.assertIn(b"s=s1;\r\n t=1700000100;", first.content)
        other = SigningKey(domain="example.com", selector="s2", private_pem=generate_rsa_pem())
        second = workshop.make(order(letter(b"x"), Features(), other, NOW + REMEMBER_SECONDS))
        self.assertIn(b"s=s2;\r\n t=1700000105;", second.content)
        unsigned = workshop.make(order(letter(b"x"), Features(), None, NOW + 2 * REMEMBER_SECONDS))
        self.assertNotIn(b"DKIM", unsigned.content)

    def test_unusable_key(self) -> None:
        """A key that cannot be used leaves the message unsigned, with a warning."""
        broken = SigningKey(domain="example.com", selector="s", private_pem=b"x")
        made = self.workshop(None).make(order(letter(b"x"), Features(), broken))
        self.assertNotIn(b"DKIM", made.content)
        self.assertEqual(made.warnings, ("the message was not signed: the key of example.com cannot be used",))
        self.flushLoggedErrors()


class RunThroughTests(SynchronousTestCase):
    """Coroutines that wait for nothing."""

    def test_waiting(self) -> None:
        """One that waits is a bug, and told as such."""

        async def work() -> None:
            await Deferred()

        self.assertRaises(RuntimeError, run_through, work())

    def test_exception(self) -> None:
        """What it raises is raised."""

        async def work() -> None:
            raise KeyError("x")

        self.assertRaises(KeyError, run_through, work())
