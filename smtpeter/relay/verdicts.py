"""
Says what a reply means: the reason, who is at fault, when to come back.

The order is: words that are clear by themselves, then the enhanced code, then the basic code, then the stage.
"""

import re
from typing import Literal

from attrs import frozen

from smtpeter.model.outcome import Reason, Reply, Stage

Fault = Literal["hard", "soft", "policy", "transport"]
"""The address itself; nobody for long; the sender or the content; the way, which slows the destination."""

MAX_HINT = 86400.0
"""Seconds; a peer that asks for more is not obeyed."""


@frozen(kw_only=True)
class Verdict:
    """What a refusal means."""

    reason: Reason
    fault: Fault

    @property
    def is_hard(self) -> bool:
        """Whether the address itself is at fault, so that it may be suppressed."""
        return self.fault == "hard"


def _verdict(reason: Reason, fault: Fault) -> Verdict:
    return Verdict(reason=reason, fault=fault)


_NETWORK = _verdict("network", "transport")
_PROTOCOL = _verdict("protocol", "policy")
_POLICY = _verdict("policy", "policy")
_UNKNOWN_USER = _verdict("user_unknown", "hard")
_UNKNOWN_DOMAIN = _verdict("domain_unknown", "hard")
# It is hard only when it happens again: whoever keeps the suppression list counts.
_DISABLED = _verdict("mailbox_disabled", "soft")
_UNDEFINED = _verdict("undefined", "soft")

_BY_DETAIL = {
    "1.1": _UNKNOWN_USER,
    "1.2": _UNKNOWN_DOMAIN,
    "1.3": _UNKNOWN_USER,
    "1.6": _UNKNOWN_USER,
    "1.10": _UNKNOWN_DOMAIN,
    "7.17": _UNKNOWN_USER,
    "7.18": _UNKNOWN_USER,
    "2.1": _DISABLED,
    "7.13": _DISABLED,
    "2.2": _verdict("mailbox_full", "soft"),
    "2.3": _verdict("too_large", "policy"),
    "3.4": _verdict("too_large", "policy"),
    "1.7": _verdict("rejected", "policy"),
    "1.8": _verdict("rejected", "policy"),
    "4.6": _verdict("loop", "policy"),
    "4.7": _verdict("expired", "soft"),
    **dict.fromkeys(("3.1", "3.2", "3.5", "4.1", "4.2", "4.3", "4.4", "4.5"), _NETWORK),
}
_BY_SUBJECT = {"5": _PROTOCOL, "6": _POLICY}
_BY_CODE = {
    421: _NETWORK,
    521: _UNKNOWN_DOMAIN,
    556: _UNKNOWN_DOMAIN,
    551: _UNKNOWN_USER,
    **dict.fromkeys((500, 501, 502, 503, 504, 455, 555), _PROTOCOL),
    **dict.fromkeys((530, 534, 535, 538), _verdict("rejected", "policy")),
}

_CODE = re.compile(r"(?<![\w.])([245])\.([0-7])\.([0-9]{1,3})(?!\.?[0-9])")
_NO_USER = re.compile(
    r"(?:user|recipient|mailbox|account|address)\b.{0,60}?\b(?:unknown|not found|does(?: not|n't) exist|not exist)"
    r"|(?:no such|unknown|invalid|non-?existent) (?:local )?(?:user|recipient|mailbox|account)",
    re.IGNORECASE,
)
_SPAM = re.compile(
    r"spam|\bjunk|unsolicited|\bbulk\b|block ?-?list|black ?-?list|\brbl\b|dnsbl|reputation", re.IGNORECASE
)
_SIZE = re.compile(r"too (?:large|big)|\bsize\b|exceeds", re.IGNORECASE)
_FULL = re.compile(r"quota|mailbox (?:is )?full|storage|over ?quota", re.IGNORECASE)
_GREY = re.compile(r"gr[ae]y-?list", re.IGNORECASE)
_THROTTLE = re.compile(
    r"\brate\b|throttl|too many (?:connections|messages|mails|emails|concurrent|sessions)|too fast|server (?:is )?busy"
    r"|temporarily deferred|slow down|unusual|limit exceeded",
    re.IGNORECASE,
)
_TOO_MANY = re.compile(r"too many recipients", re.IGNORECASE)
_HINT = re.compile(
    r"(?:try|retry|come back|wait|again|greylisted|deferred|delayed)\b[^0-9]{0,40}?([0-9]{1,6})[ -]{0,2}"
    r"(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b",
    re.IGNORECASE,
)
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def classify(reply: Reply, stage: Stage) -> Verdict:
    """What a 4xx or 5xx reply means."""
    code = telling_code(reply)
    verdict = _by_enhanced(code, reply) or _by_basic(reply, stage)
    if reply.code < 500 and verdict.is_hard:
        return _verdict(verdict.reason, "soft")
    return verdict


def telling_code(reply: Reply) -> str:
    """
    The enhanced code that says most: the reply's own, or one in its text when its own is generic (C{5.0.0}) or none.

    @return: such as C{5.1.1}; empty when there is none.
    """
    own = reply.enhanced
    if own and not own.endswith(".0.0"):
        return own
    kind = str(reply.code)[0]
    found = (match for match in _CODE.finditer(reply.text) if match[1] == kind)
    return next((match[0] for match in found if not match[0].endswith(".0.0")), own)


def counts_against_site(reply: Reply, stage: Stage) -> bool:
    """
    Whether the destination, and not this message, was refused for now.

    Once a recipient was named, a 4xx is about it, unless the words say that we send too much.
    """
    if reply.code == 421:
        return True
    if reply.code >= 500 or _GREY.search(reply.text):
        return False
    if stage in ("rcpt", "data", "message"):
        return _THROTTLE.search(reply.text) is not None
    return classify(reply, stage).fault == "transport" or _THROTTLE.search(reply.text) is not None


def wants_fewer_recipients(reply: Reply) -> bool:
    """Whether RCPT was refused only since others came before it (RFC 5321, 4.5.3.1.10: 552 means 452 there)."""
    return reply.code in (452, 552) and (reply.enhanced.endswith(".5.3") or _TOO_MANY.search(reply.text) is not None)


def retry_hint(reply: Reply) -> float | None:
    """In how many seconds a 4xx asks us to come back, at most L{MAX_HINT}; C{None} when it does not say."""
    match = _HINT.search(reply.text) if 400 <= reply.code < 500 else None
    if match is None:
        return None
    return min(MAX_HINT, float(match[1]) * _UNITS[match[2][0].lower()]) or None


def _by_enhanced(code: str, reply: Reply) -> Verdict | None:
    if not code:
        return None
    _, subject, detail = code.split(".")
    found = _BY_DETAIL.get(f"{subject}.{detail}") or _BY_SUBJECT.get(subject)
    if found is not None or subject != "7":
        return found
    return _verdict("policy", "transport") if reply.code < 500 else _refused_by_policy(reply.text)


def _refused_by_policy(text: str) -> Verdict:
    """5.7.x: policy, spam or the user by its words; never the address's fault for certain."""
    if _SPAM.search(text):
        return _verdict("spam", "policy")
    return _verdict("user_unknown", "policy") if _NO_USER.search(text) else _POLICY


def _by_basic(reply: Reply, stage: Stage) -> Verdict:
    if (found := _BY_CODE.get(reply.code)) is not None:
        return found
    if reply.code == 552:
        return _beyond_storage(reply.text, stage)
    if reply.code in (550, 553, 554, 450, 451) and stage in ("rcpt", "data", "message"):
        return _by_words(reply.text)
    return _UNDEFINED


def _beyond_storage(text: str, stage: Stage) -> Verdict:
    """552 alone: the mailbox is full, or the message too large (RFC 5321, 4.2.3; RFC 1870, 6)."""
    is_full = _FULL.search(text) is not None or (stage == "rcpt" and not _SIZE.search(text))
    return _BY_DETAIL["2.2"] if is_full else _BY_DETAIL["2.3"]


def _by_words(text: str) -> Verdict:
    if _SPAM.search(text):
        return _verdict("spam", "policy")
    if _FULL.search(text):
        return _BY_DETAIL["2.2"]
    return _UNKNOWN_USER if _NO_USER.search(text) else _UNDEFINED
