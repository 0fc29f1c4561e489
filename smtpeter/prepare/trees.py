"""
The tree of a numbered copy, as browsers build it (HTML standard, 13.2.6) where libxml2 does otherwise and style sheets
notice: rows without C{tbody} get one, and an element inside a link, or inside bold text and the like, stays inside.
"""

import re

from lxml import etree

from smtpeter.boundaries.prepare import InliningFailed
from smtpeter.prepare.numbering import NUMBER
from smtpeter.prepare.rulebook import NO_ELEMENTS

# libxml2 ends these where a table, a paragraph or the like begins. An element of a name that it does not know it leaves
# alone, so they go under another name while it parses; that costs some time, and is done where one is seen to matter.
_INLINE = "a|b|big|font|i|s|small|strike|tt|u"
_ENCLOSING = re.compile(rf'<(?:{_INLINE}) {NUMBER}="[^<>]*+>\s*+<(?:table|p|center)(?=[\s/>])', re.IGNORECASE)
_START = re.compile(rf'<(?=(?:{_INLINE}) {NUMBER}=")', re.IGNORECASE)
_END = re.compile(rf"</(?=(?:{_INLINE})\s*+>)", re.IGNORECASE)
_PREFIX = "x-smtpeter-"
_RENAMED = tuple(_PREFIX + name for name in _INLINE.split("|"))


def parsed(html: str) -> etree._Element:
    """
    Parse a numbered copy. Elements that were not written have no number.

    @raise InliningFailed: it has no elements.
    """
    is_renamed = _ENCLOSING.search(html) is not None
    if is_renamed:
        html = _END.sub("</" + _PREFIX, _START.sub("<" + _PREFIX, html))
    root = _read(html)
    if is_renamed:
        for element in root.iter(*_RENAMED):
            element.tag = str(element.tag).removeprefix(_PREFIX)
    _add_table_bodies(root)
    return root


def _read(html: str) -> etree._Element:
    parser = etree.HTMLParser(
        encoding="utf-8", recover=True, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(html.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None:
        raise InliningFailed(NO_ELEMENTS)
    return root


def _add_table_bodies(root: etree._Element) -> None:
    """One for each run of rows that stand in a table itself."""
    for table in list(root.iter("table")):
        body: etree._Element | None = None
        for child in list(table):
            if child.tag != "tr":
                body = None
            elif body is None:
                body = etree.Element("tbody")
                table.replace(child, body)
                body.append(child)
            else:
                body.append(child)
