"""Finds the key that signs a submission."""

from typing import Protocol

from attrs import define, field, frozen
from twisted.logger import Logger

from smtpeter.boundaries.accounts import SenderDomains
from smtpeter.mime.dkim import KeyUnusable, Signer
from smtpeter.model.account import SigningKey
from smtpeter.model.message import Submission
from smtpeter.prepare.batches import Threads

REMEMBER_SECONDS = 5.0
"""How long a domain's key is used without asking again."""

MAX_SIGNERS = 5000


class Watch(Protocol):
    """Tells the time."""

    def seconds(self) -> float:
        """POSIX seconds."""


@frozen(kw_only=True)
class Found:
    """A signer, or why there is none."""

    signer: Signer | None = None
    warnings: tuple[str, ...] = ()


@frozen(kw_only=True)
class _Remembered:
    key: SigningKey
    found: Found
    asked_at: float


@define(eq=False)
class Signers:
    """The keys of the sender domains, read once."""

    _sender_domains: SenderDomains
    _clock: Watch
    _threads: Threads
    _remembered: dict[tuple[int, str], _Remembered] = field(factory=dict, init=False, repr=False)
    _log = Logger()

    async def find(self, submission: Submission) -> Found:
        """
        Who signs it: nobody when it is a notice of our own or its domain has no key.

        @raise StorageBusy: keys cannot be read now.
        """
        if submission.source == "dsn" or not submission.sender_domain:
            return Found()
        place = (submission.account_id, submission.sender_domain)
        known = self._remembered.get(place)
        now = self._clock.seconds()
        if known is not None and 0 <= now - known.asked_at < REMEMBER_SECONDS:
            return known.found
        domain = await self._sender_domains.find_domain(*place)
        if domain is None or domain.key is None:
            self._remembered.pop(place, None)
            return Found()
        found = known.found if known is not None and known.key == domain.key else await self._read(domain.key)
        if len(self._remembered) >= MAX_SIGNERS:
            self._remembered.clear()
        self._remembered[place] = _Remembered(key=domain.key, found=found, asked_at=now)
        return found

    async def _read(self, key: SigningKey) -> Found:
        try:
            return Found(signer=await self._threads.run(Signer.from_key, key))
        except (KeyUnusable, UnicodeError):
            self._log.error("the DKIM key of {domain} cannot be used: its mail goes unsigned", domain=key.domain)
            return Found(warnings=(f"the message was not signed: the key of {key.domain} cannot be used",))
