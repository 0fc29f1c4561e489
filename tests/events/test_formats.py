"""Tests of L{smtpeter.events.formats}."""

import csv
import json
from io import StringIO
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.events.formats import RowFormat, harmless, make_format
from smtpeter.events.rows import Row

FIELDS = ("id", "from", "headers")

texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(list("=+-@\t\r\n\"',;<>&")), max_size=30)
rows = st.lists(st.fixed_dictionaries(dict.fromkeys(FIELDS, texts)), max_size=8)


def made(name: str) -> RowFormat:
    """The format of a name."""
    format = make_format(name, FIELDS)
    assert format is not None
    return format


def written(name: str, *pages: list[Row]) -> str:
    """A log file of some pages."""
    format = made(name)
    return format.begin() + "".join(format.rows(page) for page in pages) + format.end()


class FormatTests(SynchronousTestCase):
    """Rows as files."""

    def test_names(self) -> None:
        """Each format has its type, and there are no others."""
        types = [made(name).content_type for name in ("", "header", "json", "xml")]
        self.assertEqual(
            types, ["text/csv; charset=utf-8", "text/csv; charset=utf-8", "application/json", "text/xml; charset=utf-8"]
        )
        for name in ("csv", "JSON", "../json", "begin"):
            self.assertIsNone(make_format(name, FIELDS))

    def test_csv(self) -> None:
        """CSV is of RFC 4180, with the names in front if they are wanted."""
        page = [{"id": "1", "from": 'a "b", c', "headers": "x: y\nz: ü"}]
        line = '1,"a ""b"", c","x: y\nz: ü"\r\n'
        self.assertEqual(written("", page), line)
        self.assertEqual(written("header", page), "id,from,headers\r\n" + line)
        self.assertEqual((written(""), written("header")), ("", "id,from,headers\r\n"))

    def test_json(self) -> None:
        """JSON is one array of objects in the order of the rows, an empty one without rows."""
        page = [{"id": "1", "from": "=1", "headers": "ü"}, {"id": "2", "from": "", "headers": ""}]
        self.assertEqual(json.loads(written("json", page)), page)
        self.assertEqual(json.loads(written("json")), [])
        self.assertEqual(json.loads(written("json", [], page[:1], [], page[1:])), page)

    def test_xml(self) -> None:
        """XML is records of elements; what XML cannot say is replaced."""
        page = [{"id": "<1>", "from": "a&b", "headers": "x\0\x1f\ufffe\r\ny"}]
        root = ElementTree.fromstring(written("xml", page).encode())
        self.assertEqual((root.tag, [one.tag for one in root]), ("records", ["record"]))
        told = [(one.tag, one.text) for one in root[0]]
        self.assertEqual(told, [("id", "<1>"), ("from", "a&b"), ("headers", "x\ufffd\ufffd\ufffd\r\ny")])
        self.assertIn("<records>\n</records>", written("xml"))

    @given(rows, st.integers(0, 8))
    def test_any_rows(self, page: list[Row], cut: int) -> None:
        """Whatever stands in the rows and wherever pages end, a reader gets every row back."""
        parts = page[:cut], page[cut:]
        self.assertEqual(json.loads(written("json", *parts)), page)
        read = list(csv.reader(StringIO(written("", *parts), newline="")))
        self.assertEqual(read, [[harmless(row[name]) for name in FIELDS] for row in page])
        root = ElementTree.fromstring(written("xml", *parts).encode())
        self.assertEqual([len(record) for record in root], [len(FIELDS)] * len(page))


class FormulaTests(SynchronousTestCase):
    """Cells that a spreadsheet would run."""

    def test_formulas(self) -> None:
        """They begin with an apostrophe, behind spaces too; other cells stay as they are."""
        for cell in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =cmd|' /C calc'!A0", "＝1", "\n=1"):
            self.assertEqual(harmless(cell), f"'{cell}")
            self.assertIn(f"'{cell}", written("", [{"id": cell, "from": "", "headers": ""}]))
        for cell in ("", "1-1", "a@example.com", "2026-01-01 00:00:00", "'=1", "x=1"):
            self.assertEqual(harmless(cell), cell)
