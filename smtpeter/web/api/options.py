"""Reads what is asked of a mail beside its content: features, tags, reports, until when it may be delivered (pure)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import get_args

from attrs import frozen

from smtpeter.mime.xtext import decode_orcpt
from smtpeter.model.message import Notify, Ret
from smtpeter.model.options import Features, Images, Overrides
from smtpeter.web.api.reading import Reader

REST_FEATURES = Features(trackclicks=True, trackopens=True, trackbounces=True)
"""What a mail gets that asks for nothing."""

MAX_TAGS = 100
MAX_TAG = 200
"""Characters."""
MAX_ENVID = 100
MAX_ORCPT = 500

_UNFIT_FOR_TAG = re.compile(r"[\s;\x00-\x1f\x7f-\x9f]")
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)", re.ASCII)
_PRINTABLE = re.compile(r"[ -~]*")
_RETS: Mapping[str, Ret] = {value: value for value in get_args(Ret)}
_IMAGES: Mapping[str, Images] = {value: value for value in get_args(Images)}
_NOTIFIES: Mapping[str, Notify] = {value: value for value in get_args(Notify)}


@frozen(kw_only=True)
class Reports:
    """The parameters of RFC 3461."""

    notify: frozenset[Notify] | None = None
    orcpt: str | None = None
    ret: Ret | None = None
    envid: str | None = None


def read_overrides(reader: Reader) -> Overrides:
    """The features, under their old names too."""
    images = reader.text("images")
    if images is not None and images not in _IMAGES:
        reader.fault("images", 'is neither "hosted" nor "default"')
    return Overrides(
        inlinecss=reader.flag("inlinecss"),
        trackclicks=reader.flag("trackclicks", "clicktracking"),
        trackopens=reader.flag("trackopens", "openstracking"),
        trackbounces=reader.flag("trackbounces", "bouncetracking"),
        preventscam=reader.flag("preventscam"),
        images=None if images is None else _IMAGES.get(images),
    )


def read_tags(reader: Reader) -> tuple[str, ...]:
    """Tags, each once. A comma divides them, as in the header field."""
    found: dict[str, None] = {}
    for text in reader.texts("tags"):
        for tag in filter(None, (piece.strip(" ") for piece in text.split(","))):
            if _UNFIT_FOR_TAG.search(tag) or len(tag) > MAX_TAG:
                reader.fault("tags", f"has a tag with white space or a semicolon, or of more than {MAX_TAG} characters")
            found[tag] = None
    if len(found) > MAX_TAGS:
        reader.fault("tags", f"has more than {MAX_TAGS} tags")
    return tuple(found)


def read_time(reader: Reader, name: str) -> float | None:
    """C{YYYY-MM-DD hh:mm:ss} in UTC as POSIX seconds."""
    text = reader.text(name)
    if text is None:
        return None
    match = _TIME.fullmatch(text)
    if match is not None:
        year, month, day, hour, minute, second = map(int, match.groups())
        try:
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
        except ValueError:
            pass
    reader.fault(name, "is no time of the form YYYY-MM-DD hh:mm:ss")
    return None


def read_reports(reader: Reader) -> Reports:
    """C{dsn}: which reports about the delivery go back."""
    dsn = reader.members("dsn")
    if dsn is None:
        return Reports()
    return Reports(notify=_notify(dsn), orcpt=_orcpt(dsn), ret=_ret(dsn), envid=_envid(dsn))


def _notify(dsn: Reader) -> frozenset[Notify] | None:
    words = [word.strip().upper() for text in dsn.texts("notify") for word in text.split(",")]
    if not any(words):
        return None
    notify = frozenset(_NOTIFIES[word] for word in words if word in _NOTIFIES)
    if any(word not in _NOTIFIES for word in words) or ("NEVER" in notify and len(notify) > 1):
        dsn.fault("dsn.notify", "is neither NEVER nor a list of FAILURE, SUCCESS and DELAY")
        return None
    return notify


def _orcpt(dsn: Reader) -> str | None:
    text = dsn.text("orcpt")
    if not text:
        return None
    try:
        if len(text) > MAX_ORCPT or _PRINTABLE.fullmatch(text) is None:
            raise ValueError
        return decode_orcpt(text if ";" in text else f"rfc822;{text}")
    except ValueError:
        dsn.fault("dsn.orcpt", "is neither an address nor addr-type;address")
        return None


def _ret(dsn: Reader) -> Ret | None:
    text = dsn.text("ret")
    if not text:
        return None
    if text.upper() not in _RETS:
        dsn.fault("dsn.ret", "is neither FULL nor HDRS")
    return _RETS.get(text.upper())


def _envid(dsn: Reader) -> str | None:
    text = dsn.text("envid")
    if text and (len(text) > MAX_ENVID or _PRINTABLE.fullmatch(text) is None):
        dsn.fault("dsn.envid", f"has other than at most {MAX_ENVID} printable ASCII characters")
    return text or None
