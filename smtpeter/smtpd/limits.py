"""
Counters that end the patience with a client: of one session, of all sessions together (pure).
"""

from attrs import define, field

from smtpeter.smtpd.replies import TOO_MANY_ERRORS, TOO_MANY_FAILURES, TOO_MUCH_JUNK, Reply
from smtpeter.smtpd.settings import Patience


@define(eq=False)
class Behaviour:
    """What one session has done amiss."""

    _patience: Patience
    _failed_logins: int = 0
    _errors: int = 0
    _junk_commands: int = 0

    def fail_login(self) -> Reply | None:
        """Count a failed login; what ends the session, if this does."""
        self._failed_logins += 1
        return TOO_MANY_FAILURES if self._failed_logins >= self._patience.failed_logins else None

    def err(self) -> Reply | None:
        """Count an error; what ends the session, if this does."""
        self._errors += 1
        return TOO_MANY_ERRORS if self._errors >= self._patience.errors else None

    def dawdle(self) -> Reply | None:
        """Count a junk command; what ends the session, if this does."""
        self._junk_commands += 1
        return TOO_MUCH_JUNK if self._junk_commands >= self._patience.junk_commands else None

    def bring_mail(self) -> None:
        """An accepted message makes good for errors and junk; guessing passwords is never forgiven."""
        self._errors = self._junk_commands = 0


@define(eq=False)
class Turnstile:
    """Counts open connections, all and by address."""

    _most: int
    _most_per_address: int
    _open: int = 0
    _by_address: dict[str, int] = field(factory=dict, init=False, repr=False)

    def enter(self, key: str) -> bool:
        """Whether one more may come in from there; if so it is counted."""
        here = self._by_address.get(key, 0)
        if self._open >= self._most or (key and here >= self._most_per_address):
            return False
        self._open += 1
        self._by_address[key] = here + 1
        return True

    def leave(self, key: str) -> None:
        """One that came in has gone."""
        self._open -= 1
        left = self._by_address[key] - 1
        if left:
            self._by_address[key] = left
        else:
            del self._by_address[key]


@define(eq=False)
class SharedRoom:
    """The octets of bodies in reception, of all sessions together."""

    _most: int
    _taken: int = 0

    def take(self, octets: int) -> bool:
        """Whether there is room for so many more; if so they are taken."""
        if self._taken + octets > self._most:
            return False
        self._taken += octets
        return True

    def give_back(self, octets: int) -> None:
        """They are free again."""
        self._taken -= octets
