"""
Finds out whose a request is.

An address from which many unknown tokens came waits: more of them get 429. Behind a proxy of ours that is the address
which the proxy names; where it names none, nobody waits, since all of its clients would. A token that is known is good
from there all the same, unlike a password by SMTP: nobody guesses 160 random bits, and one forgotten program with a
deleted token must not take the API from all others of its network.
"""

from collections.abc import Callable, Mapping, Sequence

from attrs import define, field
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from smtpeter.auth.failures import FailureTable, address_key
from smtpeter.boundaries.accounts import TokenDirectory
from smtpeter.model.account import Scope, Token
from smtpeter.web.api.access import check_scope, find_token_text
from smtpeter.web.api.faults import too_many, wrong
from smtpeter.web.proxies import Transport


@define(eq=False, kw_only=True)
class Doorkeeper:
    """
    See the module.

    @ivar hash_token: makes of a token's text what it is found by.
    @ivar clock: any that only runs.
    """

    _tokens: TokenDirectory
    _hash_token: Callable[[str], bytes]
    _transport: Transport
    _clock: IReactorTime
    _failures: FailureTable = field(factory=FailureTable, init=False)
    _log = Logger()

    def check_transport(self, is_encrypted: bool, peer: str, headers: Mapping[str, str]) -> None:
        """@raise APIError: 400, others could read on the way."""
        if not self._transport.is_fit(is_encrypted, peer, headers.get("x-forwarded-proto", "")):
            raise wrong("Use HTTPS: over HTTP the token and the mail can be read on the way.")

    async def admit(
        self, scope: Scope, peer: str, headers: Mapping[str, str], query: Mapping[str, Sequence[str]]
    ) -> Token:
        """
        The token of a request, if it is good for that.

        @raise APIError: 401, 403, 429.
        @raise StorageBusy: nobody knows.
        """
        token = await self._tokens.find_token(self._hash_token(find_token_text(headers, query)))
        if token is None:
            self._count_failure(address_key(self._transport.proxies.client(peer, headers.get("x-forwarded-for", ""))))
        return check_scope(token, scope)

    def _count_failure(self, key: str) -> None:
        now = self._clock.seconds()
        if wait_seconds := self._failures.wait_seconds(key, now):
            raise too_many("Too many unknown tokens came from this address, and this one is unknown too.", wait_seconds)
        self._failures.record(key, now)
        self._log.info("a token from {address} is not known", address=key)
        if self._failures.is_blocked(key, now):
            self._log.info("too many unknown tokens, {address} has to wait", address=key)
