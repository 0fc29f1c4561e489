"""Compiles submissions: the costly half of what is done to a message, once for all its recipients."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from smtpeter.boundaries.accounts import SenderDomains
from smtpeter.boundaries.prepare import Inliner, InliningFailed
from smtpeter.mime.charsets import Unreadable
from smtpeter.mime.document import Part
from smtpeter.mime.repair import Origin
from smtpeter.model.keys import MacKeys
from smtpeter.model.message import Submission
from smtpeter.prepare.batches import Batches, Threads
from smtpeter.prepare.changes import ChangeKey, Changes, change_key
from smtpeter.prepare.envelope import has_bounce_address
from smtpeter.prepare.html_part import Change, HTMLPart, PartLeft, Tracking, change_html, read_html_part
from smtpeter.prepare.leaving import NO_ADDRESS, has_own_address
from smtpeter.prepare.message import Opened, close_message, open_message, tracking_of
from smtpeter.prepare.prepared import SMALL, PreparedMessage, prepare_message
from smtpeter.prepare.signers import Signers
from smtpeter.prepare.splices import Splice
from smtpeter.prepare.styles import style_splices
from smtpeter.prepare.tokenizer import Tag

T = TypeVar("T")

KEEP_SECONDS = 24 * 3600.0
KEEP_FAILED_SECONDS = 60.0
"""A style sheet that failed is not tried again with each message of a mailing."""

COSTLY_TAGS = 1500
"""A document of more goes to a thread, however short it is."""


@frozen(kw_only=True)
class CompilerSettings:
    """
    What is the same for all messages.

    @ivar hostname: ours, for the headers.
    @ivar tracking_url: the address under which links and pixels reach us: scheme, host and perhaps a port.
    @ivar bounce_domain: where bounces go.
    @ivar cache_bytes: how much memory changed HTML may take.
    """

    hostname: str
    tracking_url: str
    bounce_domain: str
    show_client_address: bool = False
    cache_bytes: int = 64 * 1024 * 1024


@define(eq=False)
class Compiler:
    """Implements L{smtpeter.boundaries.prepare.Preparer}."""

    _sender_domains: SenderDomains
    _inliner: Inliner
    _keys: MacKeys = field(repr=False)
    _settings: CompilerSettings
    _clock: IReactorTime
    _threads: Threads
    _tracking: Tracking = field(init=False, repr=False)
    _changes: Changes = field(init=False)
    _signers: Signers = field(init=False)
    _batches: Batches = field(init=False)
    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._tracking = tracking_of(self._keys, self._settings.tracking_url)
        self._changes = Changes(self._settings.cache_bytes, self._clock.seconds)
        self._signers = Signers(self._sender_domains, self._clock, self._threads)
        self._batches = Batches(self._threads)

    async def prepare(self, submission: Submission) -> PreparedMessage:
        """
        Compile. Content that cannot be parsed goes on unchanged with a warning, so this fails only for faults of ours.

        @raise StorageBusy: keys cannot be read now.
        @raise CancelledError: the server stops.
        """
        size = len(submission.content)
        found = await self._signers.find(submission)
        opened = await self._run(size, open_message, submission)
        warnings = [*opened.warnings, *found.warnings]
        changes: list[tuple[Part, Change]] = []
        links = 0
        for part in opened.parts:
            change = await self._change(submission, opened, part, 1 + links)
            links += change.links
            warnings += change.warnings
            changes.append((part, change))
        if submission.features.unsubscribe and not has_own_address(submission, self._tracking):
            warnings.append(NO_ADDRESS)
        origin = self._origin(submission)
        recipe = await self._run(size, close_message, opened, changes, submission, origin, self._tracking)
        made = partial(
            prepare_message,
            submission,
            recipe,
            found.signer,
            keys=self._keys,
            bounce_domain=self._settings.bounce_domain,
            has_bounce_address=has_bounce_address(submission, opened.headers),
            batches=self._batches,
            seconds=self._clock.seconds,
            warnings=tuple(dict.fromkeys(warnings)),
        )
        return await self._run(size, made)

    async def _run(self, size: int, function: Callable[..., T], *arguments: Any) -> T:
        """Call it here when that takes no time, else in a thread."""
        if size <= SMALL:
            return function(*arguments)
        return await self._threads.run(function, *arguments)

    def _origin(self, submission: Submission) -> Origin:
        return Origin(
            trace=submission.trace,
            hostname=self._settings.hostname,
            submission_id=submission.id,
            received_at=submission.received_at,
            sender_domain=submission.sender_domain,
            show_client_address=self._settings.show_client_address,
        )

    async def _change(self, submission: Submission, opened: Opened, part: Part, first_link: int) -> Change:
        size, is_inlined = part.end - part.body_start, submission.features.inlinecss
        try:
            key = await self._run(size, change_key, opened.content, part, is_inlined, opened.wanted, first_link)
            return await self._changes.get(key, lambda: self._make(key, opened, part))
        except CancelledError:
            raise
        except Exception:
            # A fault of ours in one part must not keep a message back.
            self._log.failure("an HTML part of {submission} could not be processed", submission=submission.id)
            return Change(warnings=("an HTML part was left as it is: it could not be processed",))

    async def _make(self, key: ChangeKey, opened: Opened, part: Part) -> tuple[Change, float]:
        size = part.end - part.body_start
        try:
            read = await self._run(size, read_html_part, opened.content, part)
        except PartLeft as problem:
            return Change(warnings=(str(problem),)), KEEP_SECONDS
        if read.html.count(b"<") > COSTLY_TAGS:
            size = SMALL + 1
        styles, seconds = _Styles(), KEEP_SECONDS
        if key.is_inlined and read.has_style_sheets:
            try:
                styles = await self._inline(read, size, key.wanted.preventscam)
            except InliningFailed as problem:
                styles = _Styles(warnings=(f"style sheets were not inlined: {str(problem) or 'the engine failed'}",))
                seconds = KEEP_FAILED_SECONDS
        change = await self._run(
            size, change_html, read, styles.splices, key.wanted, self._tracking, key.first_link, styles.seen
        )
        return change.with_warnings(styles.warnings), seconds

    async def _inline(self, part: HTMLPart, size: int, has_link_ends: bool) -> "_Styles":
        try:
            numbered, seen = await self._run(size, part.numbered, has_link_ends)
        except Unreadable:
            return _Styles(warnings=("style sheets were not inlined: the charset of an HTML part does not allow it",))
        if numbered is None:
            return _Styles(seen=seen)
        result = await self._inliner.inline(numbered.request)
        splices = await self._run(size, style_splices, numbered, result)
        return _Styles(splices=splices, warnings=result.warnings, seen=seen)


@frozen(kw_only=True)
class _Styles:
    """
    What came of the style sheets of a part.

    @ivar seen: its tags that tracking looks at, if they are known by now.
    """

    splices: Sequence[Splice] = ()
    warnings: tuple[str, ...] = ()
    seen: Sequence[Tag] | None = None
