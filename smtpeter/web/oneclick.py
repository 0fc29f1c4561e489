"""Tells whether the body of a POST is what RFC 8058 (3.2) says: C{List-Unsubscribe=One-Click} (pure)."""

from urllib.parse import parse_qsl

from smtpeter.mime.parameters import parse_value

_NAME, _WORD = "List-Unsubscribe", "One-Click"
_PAIR = [(_NAME, _WORD)]


def is_one_click(content_type: str, body: bytes) -> bool:
    """
    Whether the body says so, and nothing else.

    @param content_type: the header field; a form is assumed when it is empty.
    """
    kind, parameters = parse_value(content_type.encode("latin-1", "replace"))
    if kind == "multipart/form-data":
        return _is_only_part(parameters.get("boundary", "").encode("latin-1", "replace"), body)
    if kind not in ("", "application/x-www-form-urlencoded"):
        return False
    try:
        return parse_qsl(body.decode("ascii").strip(), keep_blank_values=True) == _PAIR
    except ValueError:
        return False


def _is_only_part(boundary: bytes, body: bytes) -> bool:
    """One part between two delimiters (RFC 2046, 5.1.1; RFC 7578, 4)."""
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary) if boundary else []
    if len(pieces) != 3 or not pieces[2].startswith(b"--"):
        return False
    head, _, value = pieces[1].partition(b"\r\n\r\n")
    named = [
        parse_value(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.partition(b":")[0].strip().lower() == b"content-disposition"
    ]
    is_named = [(kind, parameters.get("name")) for kind, parameters in named] == [("form-data", _NAME)]
    return is_named and value.strip() == _WORD.encode()
