"""Who may call: the token in a request, what it is for (pure)."""

from collections.abc import Mapping, Sequence

from smtpeter.model.account import Scope, Token
from smtpeter.web.api.faults import forbidden, unauthorized

TOKEN_PARAMETER = "access_token"  # noqa: S105
_BEARER = "bearer "
_MAX_TOKEN = 200


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
