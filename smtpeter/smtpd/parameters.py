"""
The ESMTP parameters of MAIL and RCPT that are known here (pure).

SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), AUTH (RFC 4954, 5), RET, ENVID, NOTIFY, ORCPT (RFC 3461, 4).
"""

import re
from collections.abc import Mapping
from typing import get_args

from attrs import frozen

from smtpeter.mime.xtext import decode_orcpt, decode_xtext
from smtpeter.model.address import AddressError, parse_address
from smtpeter.model.message import Notify, Ret
from smtpeter.smtpd.commands import bad_argument, check_known
from smtpeter.smtpd.replies import TOO_LARGE, Rejected

MAX_ENVID = 100
"""Characters, encoded (RFC 3461, 4.4)."""
MAX_ORCPT = 500
"""Characters, encoded (RFC 3461, 4.2)."""
MAX_AUTH = 500
"""Characters, encoded (RFC 4954, 5)."""

_ON_MAIL = ("SIZE", "BODY", "SMTPUTF8", "AUTH", "RET", "ENVID")
_ON_RCPT = ("NOTIFY", "ORCPT")
_SIZE = re.compile(r"[0-9]{1,20}")
_RETS: Mapping[str, Ret] = {value: value for value in get_args(Ret)}
_NOTIFIES: Mapping[str, Notify] = {value: value for value in get_args(Notify)}

Parameters = Mapping[str, str | None]


@frozen(kw_only=True)
class MailParameters:
    """What MAIL asks for beside its reverse-path."""

    ret: Ret | None = None
    envid: str | None = None
    is_utf8: bool = False


@frozen(kw_only=True)
class RecipientParameters:
    """What RCPT asks for beside its address."""

    notify: frozenset[Notify] | None = None
    orcpt: str | None = None


_NOTHING_ON_MAIL = MailParameters()
_NOTHING_ON_RCPT = RecipientParameters()


def read_mail_parameters(parameters: Parameters, max_size: int) -> MailParameters:
    """
    Check the parameters of MAIL. SIZE is held against C{max_size} octets; BODY and AUTH are checked, and are all the
    same to us.

    @raise Rejected: one is unknown, wrong, or promises too much.
    """
    if not parameters:
        return _NOTHING_ON_MAIL
    check_known(parameters, _ON_MAIL)
    _check_size(parameters, max_size)
    if "BODY" in parameters and _value(parameters, "BODY").upper() not in ("7BIT", "8BITMIME"):
        raise bad_argument("BODY is 7BIT or 8BITMIME")
    if parameters.get("SMTPUTF8") is not None:
        raise bad_argument("SMTPUTF8 takes no value")
    if "AUTH" in parameters:
        _check_auth(_value(parameters, "AUTH"))
    return MailParameters(ret=_ret(parameters), envid=_envid(parameters), is_utf8="SMTPUTF8" in parameters)


def read_recipient_parameters(parameters: Parameters) -> RecipientParameters:
    """
    Check the parameters of RCPT.

    @raise Rejected: one is unknown or wrong.
    """
    if not parameters:
        return _NOTHING_ON_RCPT
    check_known(parameters, _ON_RCPT)
    return RecipientParameters(notify=_notify(parameters), orcpt=_orcpt(parameters))


def _value(parameters: Parameters, keyword: str) -> str:
    value = parameters[keyword]
    if value is None:
        raise bad_argument(f"{keyword} needs a value")
    return value


def _check_size(parameters: Parameters, max_size: int) -> None:
    if "SIZE" not in parameters:
        return
    value = _value(parameters, "SIZE")
    if _SIZE.fullmatch(value) is None:
        raise bad_argument("SIZE is a number of octets")
    if int(value) > max_size:
        raise Rejected(TOO_LARGE)


def _check_auth(value: str) -> None:
    try:
        if len(value) > MAX_AUTH:
            raise ValueError
        identity = decode_xtext(value)
        if identity != "<>":
            parse_address(identity.removeprefix("<").removesuffix(">"))
    except (ValueError, AddressError):
        raise bad_argument("AUTH is an address in xtext form, or <>") from None


def _ret(parameters: Parameters) -> Ret | None:
    if "RET" not in parameters:
        return None
    ret = _RETS.get(_value(parameters, "RET").upper())
    if ret is None:
        raise bad_argument("RET is FULL or HDRS")
    return ret


def _envid(parameters: Parameters) -> str | None:
    if "ENVID" not in parameters:
        return None
    value = _value(parameters, "ENVID")
    try:
        envid = decode_xtext(value)
    except ValueError:
        raise bad_argument("ENVID is not in xtext form") from None
    if len(value) > MAX_ENVID or not envid.isascii():
        raise bad_argument(f"ENVID has at most {MAX_ENVID} printable ASCII characters")
    return envid


def _notify(parameters: Parameters) -> frozenset[Notify] | None:
    if "NOTIFY" not in parameters:
        return None
    words = _value(parameters, "NOTIFY").upper().split(",")
    notify = frozenset(_NOTIFIES[word] for word in words if word in _NOTIFIES)
    if len(notify) != len(words):
        raise bad_argument("NOTIFY is NEVER, or some of SUCCESS, FAILURE and DELAY")
    if "NEVER" in notify and len(notify) > 1:
        raise bad_argument("NOTIFY=NEVER stands alone")
    return notify


def _orcpt(parameters: Parameters) -> str | None:
    if "ORCPT" not in parameters:
        return None
    value = _value(parameters, "ORCPT")
    if len(value) > MAX_ORCPT:
        raise bad_argument(f"ORCPT has at most {MAX_ORCPT} characters")
    try:
        return decode_orcpt(value)
    except ValueError:
        raise bad_argument("ORCPT is addr-type;address in xtext form") from None
