"""
The statements of a style sheet, each with its own text, and the declarations of a block.

CSS Syntax Module Level 3 as far as it tells where things begin and end: comments, strings, C{url()}, escapes, nested
brackets, and the ends that the end of the text gives to what was left open. What is not understood keeps its text, so
that it can stay in its C{style} element as it was written. Regular expressions that never backtrack find everything:
the time is linear in the size whatever the text is.
"""

import re
from collections.abc import Iterator

from attrs import frozen

SPACE = " \t\r\n\f"
"""White space of CSS and HTML; C{str.strip} alone would also take U+00A0."""

_COMMENT = r"/\*[^*]*+(?:\*(?!/)[^*]*+)*+(?:\*/|\Z)"
_STRING = r""""(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?"""
_URL = r"""[uU][rR][lL]\((?![ \t\r\n\f]*+["'])(?:[^)\\]|\\.)*+\)?"""
_TOKEN = re.compile(rf"{_COMMENT}|{_STRING}|{_URL}|\\.|[{{}}();,\[\]]", re.DOTALL)
_COMMENTS = re.compile(rf"{_COMMENT}|({_STRING}|{_URL}|\\.)", re.DOTALL)
_BETWEEN = re.compile(rf"(?:[ \t\r\n\f]++|{_COMMENT}|<!--|-->|<!\[CDATA\[|\]\]>)*+")
_DECLARATION = re.compile(r"(-{0,2}[A-Za-z_][A-Za-z0-9_-]*+)[ \t\r\n\f]*+:(.*)", re.DOTALL)
_IMPORTANT = re.compile(r"![ \t\r\n\f]*+important\Z", re.IGNORECASE)
_CLOSES = {"{": "}", "(": ")", "[": "]"}
_MAX_NESTING = 8


@frozen
class Statement:
    """
    An at-rule or a rule.

    @ivar text: all of it, as written.
    @ivar prelude: what stands before the block, without comments: selectors, or an at-keyword and what follows it.
    @ivar block: what stands between the braces; C{None} for an at-rule that ends with a semicolon.
    """

    text: str
    prelude: str
    block: str | None


@frozen
class Declaration:
    """
    A property and its value, comments removed.

    @ivar name: in lower case, but for custom properties; empty for what is no declaration and stands in C{value}.
    """

    name: str
    value: str
    is_important: bool


def statements(css: str) -> Iterator[Statement]:
    """Split a style sheet. Comments and C{<!--} between statements are left out, and a last selector without block."""
    position = _skip(css, 0)
    while position < len(css):
        opening, closing, end = _bounds(css, position)
        prelude = _trimmed(without_comments(css[position:opening]))
        if opening < end:
            yield Statement(css[position:end], prelude, css[opening + 1 : closing])
        elif prelude.startswith("@"):
            yield Statement(css[position:end].rstrip(SPACE), prelude, None)
        position = _skip(css, end)


def declarations(block: str) -> list[Declaration] | None:
    """
    Read a block or a C{style} attribute.

    @return: C{None} for a block with blocks in it, which has more than declarations.
    """
    pieces = split(_closed(without_comments(block)), ";")
    if any(_holds_block(piece) for piece in pieces):
        return None
    return [_declaration(piece) for piece in pieces if piece]


def split(text: str, separator: str) -> list[str]:
    """Split at each comma or semicolon that stands in no string and no bracket; white space around is removed."""
    if _is_plain(text):
        return [piece.strip(SPACE) for piece in text.split(separator)]
    pieces, begin = [], 0
    for token, is_nested in _tokens(text, 0):
        if token.group() == separator and not is_nested:
            pieces.append(_trimmed(text[begin : token.start()]))
            begin = token.end()
    return [*pieces, _trimmed(text[begin:])]


def without_comments(text: str) -> str:
    """The text with a space for each comment."""
    return _COMMENTS.sub(lambda found: found.group(1) or " ", text) if "/*" in text else text


def family(name: str) -> str:
    """What a property shares with those that can override it: C{margin} for C{margin-left}."""
    if name.startswith("--"):
        return name
    if name == "line-height":
        return "font"
    parts = name.split("-", 3)
    return parts[2] if not parts[0] and len(parts) > 2 else parts[0]


def strengthened(block: str, families: frozenset[str]) -> str:
    """
    Give C{!important} to the declarations that compete with inlined ones, which would win against them otherwise.

    @param families: of the properties that were inlined.
    """
    found = declarations(block)
    if found is None or not any(_is_weak(declaration, families) for declaration in found):
        return block
    return "; ".join(_text(declaration, _is_weak(declaration, families)) for declaration in found)


def strengthened_group(statement: Statement, families: frozenset[str], depth: int = 0) -> str:
    """The same for all rules in an C{@media}, C{@supports}, … rule; its text as written where nothing competes."""
    if statement.block is None or depth == _MAX_NESTING or not families:
        return statement.text
    texts = []
    has_changed = False
    for inner in statements(statement.block):
        text = _strengthened_inner(inner, families, depth)
        has_changed = has_changed or text != inner.text
        texts.append(text)
    return "\n".join((statement.prelude + " {", *texts, "}")) if has_changed else statement.text


def is_group(statement: Statement) -> bool:
    """Whether it is an at-rule that holds rules under a condition."""
    return statement.prelude.lower().startswith(("@media", "@supports", "@container", "@layer", "@document", "@-moz-"))


def _strengthened_inner(inner: Statement, families: frozenset[str], depth: int) -> str:
    if inner.prelude.startswith("@"):
        return strengthened_group(inner, families, depth + 1) if is_group(inner) else inner.text
    if inner.prelude == "*":
        return inner.text  # Every other selector outranks it.
    block = strengthened(inner.block or "", families)
    return inner.text if block == inner.block else f"{inner.prelude} {{ {block} }}"


def _is_weak(declaration: Declaration, families: frozenset[str]) -> bool:
    return bool(declaration.name) and not declaration.is_important and family(declaration.name) in families


def _text(declaration: Declaration, is_strengthened: bool) -> str:
    text = f"{declaration.name}: {declaration.value}" if declaration.name else declaration.value
    return f"{text} !important" if is_strengthened or declaration.is_important else text


def _declaration(piece: str) -> Declaration:
    found = _DECLARATION.fullmatch(piece)
    if found is None:
        return Declaration("", piece, False)
    name, value = found.group(1), _trimmed(found.group(2))
    important = _IMPORTANT.search(value[-40:])
    if important:
        value = _trimmed(value[: len(value) - len(important.group())])
    if not value:
        return Declaration("", piece, False)
    return Declaration(name if name.startswith("--") else name.lower(), value, important is not None)


def _holds_block(piece: str) -> bool:
    return "{" in piece and any(token.group() == "{" for token, is_nested in _tokens(piece, 0) if not is_nested)


def _skip(css: str, position: int) -> int:
    found = _BETWEEN.match(css, position)
    return found.end() if found else position


def _bounds(css: str, position: int) -> tuple[int, int, int]:
    """Where the block of the statement opens and closes and where the statement ends; all the end when it has none."""
    is_at_rule = css.startswith("@", position)
    opening = None
    for token, is_nested in _tokens(css, position):
        kind = token.group()
        if is_nested:
            continue
        if kind == "{":
            opening = token.start()
        elif kind == "}" and opening is not None:
            return opening, token.start(), token.end()
        elif kind == ";" and is_at_rule and opening is None:
            return token.end(), token.end(), token.end()
    return len(css) if opening is None else opening, len(css), len(css)


def _closed(text: str) -> str:
    """Close what a line or the end of the text leaves open, so that more can follow."""
    if _is_plain(text):
        return text
    if _ends_in_escape(text):
        text = text[:-1]
    text = _TOKEN.sub(_completed, text)
    awaited: list[str] = []
    for token in _TOKEN.finditer(text):
        kind = token.group()
        if awaited and kind == awaited[-1]:
            awaited.pop()
        elif kind in _CLOSES:
            awaited.append(_CLOSES[kind])
    return text + "".join(reversed(awaited))


def _completed(found: re.Match[str]) -> str:
    """A token with the end of its string or C{url()}."""
    token = found.group()
    end = token[0] if token[0] in "\"'" else ")" if token[:4].lower() == "url(" else ""
    is_whole = len(token) > 1 and token[-1] == end and not _ends_in_escape(token[:-1])
    return token if is_whole else token + end


def _is_plain(text: str) -> bool:
    return not any(mark in text for mark in "\"'([{\\")


def _ends_in_escape(text: str) -> bool:
    return text.endswith("\\") and (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _trimmed(text: str) -> str:
    """Without white space around, but for one that is escaped."""
    trimmed = text.strip(SPACE)
    return trimmed + " " if _ends_in_escape(trimmed) else trimmed


def _tokens(text: str, position: int) -> Iterator[tuple[re.Match[str], bool]]:
    """Brackets and separators, and whether each stands in a bracket; the bracket that opens or closes does not."""
    awaited: list[str] = []
    for token in _TOKEN.finditer(text, position):
        kind = token.group()
        if awaited and kind == awaited[-1]:
            awaited.pop()
        yield token, bool(awaited)
        if kind in _CLOSES:
            awaited.append(_CLOSES[kind])
