"""A preparer that changes nothing: tests say which submissions it holds up or fails."""

from attrs import define, field
from twisted.internet.defer import Deferred

from smtpeter.boundaries.prepare import Prepared
from smtpeter.model.message import Submission


@define(eq=False)
class FakePrepared:
    """Content as it came, with an envelope address of its own for each message when bounces are tracked."""

    _submission: Submission
    _warnings: tuple[str, ...] = ()

    @property
    def is_shared(self) -> bool:
        """Whether bounces are not tracked."""
        return not self._submission.features.trackbounces

    @property
    def is_eightbit(self) -> bool:
        """Whether there is an octet over 127."""
        return not self._submission.content.isascii()

    @property
    def needs_utf8(self) -> bool:
        """Never by its header."""
        return False

    @property
    def size_bytes(self) -> int:
        """The size of the content."""
        return len(self._submission.content)

    @property
    def warnings(self) -> tuple[str, ...]:
        """As the test said."""
        return self._warnings

    def reverse_path(self, message_id: str) -> str:
        """A bounce address when bounces are tracked."""
        return self._submission.reverse_path if self.is_shared else f"{message_id}@bounces.example.com"

    async def render(self, message_id: str, seven_bit: bool) -> bytes:
        """The content, with a mark when seven bits were asked for."""
        return b"X-Seven-Bit: yes\r\n" + self._submission.content if seven_bit else self._submission.content


@define(eq=False)
class FakePreparer:
    """
    Prepares at once, unless told otherwise.

    @ivar faults: what to raise, by submission id.
    @ivar is_slow_with_styles: whether a submission with C{inlinecss} waits until L{go_on}.
    @ivar warnings: what every submission is warned of.
    """

    faults: dict[str, Exception] = field(factory=dict)
    is_slow_with_styles: bool = False
    warnings: tuple[str, ...] = ()
    prepared: list[str] = field(factory=list, init=False)
    """The ids of submissions that were asked for."""
    _waiting: "list[Deferred[None]]" = field(factory=list, init=False)

    async def prepare(self, submission: Submission) -> Prepared:
        """Compile nothing."""
        self.prepared.append(submission.id)
        if submission.id in self.faults:
            raise self.faults[submission.id]
        if self.is_slow_with_styles and submission.features.inlinecss:
            turn: Deferred[None] = Deferred()
            self._waiting.append(turn)
            await turn
        return FakePrepared(submission, self.warnings)

    @property
    def waiting(self) -> int:
        """How many are held up."""
        return len(self._waiting)

    def go_on(self) -> None:
        """Let those that are held up end."""
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            turn.callback(None)
