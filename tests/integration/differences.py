"""
Compares a document before and after, and finds what may not differ.

It shares nothing with what is tested: it walks over both texts side by side, and where they part it looks at what
stands before. Only these may differ: the value of a styling attribute or C{href}, such an attribute added behind the
name of a tag, the contents of C{style}, and one pixel.
"""

import re

_STYLING = "style|width|height|bgcolor|align|valign"
_ADDED = re.compile(rf"""(?: (?:{_STYLING})=(?:"[^"]*"|'[^']*'))+""")
_BEHIND_NAME = re.compile(r"<[A-Za-z][A-Za-z0-9]*(\s?\w*)\Z")
_IN_VALUE = re.compile(rf"""\s(?:href|{_STYLING})\s*=\s*("[^"]*|'[^']*|[^\s>"']*)\Z""", re.IGNORECASE)
_PIXEL = re.compile(r'<img src="[^"]*\.gif" width="1" height="1" [^<>]*>')
_AROUND = 60


def unexplained(before: str, after: str) -> str:
    """What differs and may not; empty when nothing does."""
    position, place, pixels = 0, 0, 0
    while True:
        common = _common(before[position:], after[place:])
        position, place = position + common, place + common
        if position == len(before) and place == len(after) and pixels < 2:
            return ""
        step = _explained(before, position, after, place)
        if step is None or pixels > 1:
            return (
                f"{before[position - _AROUND : position + _AROUND]!r} is {after[place - _AROUND : place + _AROUND]!r}"
            )
        position, place, is_pixel = step
        pixels += is_pixel


def _common(one: str, other: str) -> int:
    """How many characters at their beginnings are equal."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def _explained(before: str, position: int, after: str, place: int) -> tuple[int, int, bool] | None:
    """Where both go on behind a permitted difference, and whether that was a pixel."""
    back = 1 if before[:position].endswith("<") else 0
    pixel = _PIXEL.match(after, place - back)
    if pixel:
        return position - back, pixel.end(), True
    head = before[:position]
    if head.lower().rfind("<style") > head.lower().rfind("</style"):
        return before.lower().index("</style", position), after.lower().index("</style", place), False
    behind = _BEHIND_NAME.search(head)
    added = _ADDED.match(after, place - len(behind[1])) if behind else None
    if behind and added:
        return position - len(behind[1]), added.end(), False
    value = _IN_VALUE.search(head)
    if value is None:
        return None
    start = value.start(1)
    return _value_end(before, start), _value_end(after, place - (position - start)), False


def _value_end(text: str, start: int) -> int:
    if text[start] in "\"'":
        return text.index(text[start], start + 1) + 1
    found = re.compile(r"[\s>]").search(text, start)
    return len(text) if found is None else found.start()
