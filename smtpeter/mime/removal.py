"""
Takes parts out of a message and replaces bodies of others; all else keeps its bytes.

A multipart that loses all its parts goes too. A C{multipart/related} of which one part is left becomes that part, since
nothing is related any more (RFC 2387, 3.1).
"""

from collections.abc import Collection, Mapping
from itertools import pairwise

from attrs import define, field, frozen

from smtpeter.mime.document import Part
from smtpeter.mime.headers import Field, read_headers


@frozen(kw_only=True)
class NewBody:
    """
    What a part holds instead.

    @ivar encoding: its transfer encoding if that is another.
    """

    body: bytes = field(repr=False)
    encoding: str | None = None


def rebuild(content: bytes, root: Part, removed: Collection[int], replaced: Mapping[int, NewBody]) -> bytes:
    """
    The message without some parts.

    @param removed: where parts start that go.
    @param replaced: by where parts start, what they hold.
    """
    head, body = _Rebuilding(content, removed, replaced).entity(root)
    return content[: root.start] + head + body


@define(eq=False)
class _Rebuilding:
    _content: bytes
    _removed: Collection[int]
    _replaced: Mapping[int, NewBody]

    def entity(self, part: Part) -> tuple[bytes, bytes]:
        """Header, with the empty line behind it, and body."""
        content = self._content
        head = content[part.start : part.body_start]
        if part.start in self._replaced and not part.children:
            return self._replaced_leaf(part, self._replaced[part.start])
        kept = [child for child in part.children if self._stays(child)]
        if not part.is_multipart or part.is_protected or not kept:
            return head, content[part.body_start : part.end]
        if part.content_type == "multipart/related" and len(kept) == 1 < len(part.children):
            inner_head, inner_body = self.entity(kept[0])
            return _head_with(head, inner_head), inner_body
        return head, self._body(part, kept)

    def _stays(self, part: Part) -> bool:
        if part.start in self._removed:
            return False
        return not (part.is_multipart and part.children) or any(self._stays(child) for child in part.children)

    def _replaced_leaf(self, part: Part, new: NewBody) -> tuple[bytes, bytes]:
        head = self._content[part.start : part.body_start]
        if new.encoding is None:
            return head, new.body
        start, end = part.encoding_span or (part.header_end, part.header_end)
        field = b"Content-Transfer-Encoding: " + new.encoding.encode("ascii") + b"\r\n"
        return head[: start - part.start] + field + head[end - part.start :], new.body

    def _body(self, part: Part, kept: list[Part]) -> bytes:
        """The delimiter in front of each part goes with it; that of the first one stays for who follows."""
        content, children = self._content, part.children
        pieces = [content[part.body_start : children[0].start]]
        before = {child.start: previous.end for previous, child in pairwise(children)}
        for number, child in enumerate(kept):
            if number:
                delimiter = content[before[child.start] : child.start]
                pieces.append(delimiter if delimiter.startswith(b"\r\n") else b"\r\n" + delimiter)
            pieces += self.entity(child)
        pieces.append(content[children[-1].end : part.end])
        return b"".join(pieces)


def _head_with(outer: bytes, inner: bytes) -> bytes:
    """A header that says of its content what another one says (RFC 2045, 3)."""
    described = read_headers(inner)
    fields = [inner[one.start : one.end] for one in described.fields if _is_about_content(one)]
    return read_headers(outer).rewritten(b"".join(fields), _is_about_content)


def _is_about_content(field: Field) -> bool:
    return field.key.startswith("content-")
