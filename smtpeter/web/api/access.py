"""Who may call: encryption, the token in a request, what it is for (pure)."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from attrs import frozen

from smtpeter.model.account import Scope, Token
from smtpeter.web.api.faults import forbidden, unauthorized

TOKEN_PARAMETER = "access_token"  # noqa: S105
_BEARER = "bearer "
_MAX_TOKEN = 200


@frozen(kw_only=True)
class Transport:
    """
    Which requests count as encrypted.

    @ivar allow_insecure: all of them.
    @ivar proxies: ranges of addresses whose word is taken.
    """

    allow_insecure: bool
    proxies: tuple[IPv4Network | IPv6Network, ...]

    def is_fit(self, is_encrypted: bool, peer: str, forwarded_proto: str) -> bool:
        """
        Whether a request may be answered.

        @param forwarded_proto: X-Forwarded-Proto; of several words the last was written nearest to us.
        """
        if is_encrypted or self.allow_insecure:
            return True
        return self.trusts(peer) and forwarded_proto.rpartition(",")[2].strip().lower() == "https"

    def client(self, peer: str, forwarded_for: str) -> str:
        """
        Who asks.

        @param forwarded_for: X-Forwarded-For; of several addresses the last was written nearest to us.
        @return: an address, or whatever a proxy of ours says instead; empty when it says nothing.
        """
        return forwarded_for.rpartition(",")[2].strip() if self.trusts(peer) else peer

    def trusts(self, peer: str) -> bool:
        """Whether a proxy of ours has that address."""
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in proxy for proxy in self.proxies)


def transport(allow_insecure: bool, proxies: Sequence[str]) -> Transport:
    """From the configuration."""
    return Transport(allow_insecure=allow_insecure, proxies=tuple(ip_network(one) for one in proxies))


def find_token_text(headers: Mapping[str, str], query: Mapping[str, Sequence[str]]) -> str:
    """
    The token of a request: that of C{Authorization: Bearer}, else C{access_token} of the query.

    @raise APIError: 401, there is none.
    """
    authorization = headers.get("authorization", "")
    if authorization[: len(_BEARER)].lower() == _BEARER:
        text = authorization[len(_BEARER) :].strip()
    else:
        text = next(iter(query.get(TOKEN_PARAMETER, ())), "")
    if not text:
        raise unauthorized("Say your token: Authorization: Bearer TOKEN, or ?access_token=TOKEN.")
    return text[:_MAX_TOKEN]


def check_scope(token: Token | None, scope: Scope) -> Token:
    """
    The token, if it may be used for that.

    @raise APIError: 401, it is none; 403, it is for something else.
    """
    if token is None:
        raise unauthorized("The token is not known, or was deleted.")
    if scope not in token.scopes:
        raise forbidden(f"The token {token.name} does not have the scope {scope}.")
    return token


def check_standing(token: Token) -> None:
    """
    Whether the account may send.

    @raise APIError: 403.
    """
    standing = token.account.standing.value
    if standing != "active":
        raise forbidden(f"The account is {standing} and may not send.")
