"""Tests of style sheets that are made ready once."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.prepare import InliningFailed
from smtpeter.prepare import rulebook
from smtpeter.prepare.rulebook import Library, Rulebook


def _book(*texts: str) -> Rulebook:
    return Library(str).book(texts)


class RulebookTests(SynchronousTestCase):
    """What follows from the entries that apply."""

    def test_order(self) -> None:
        """Entries stand in the order of the cascade, whichever sheet they are from; open selectors are none."""
        book = _book("#i{a:b} p{c:d} p:hover{x:y}", ".c{e:f} p{g:h}")
        self.assertEqual(
            [(entry.selector.text, entry.sheet) for entry in book.entries], [("p", 0), ("p", 1), (".c", 1), ("#i", 0)]
        )

    def test_alike(self) -> None:
        """Elements that are alike get one object, also in another document."""
        book = _book("p{a:b}")
        kind = ("p", (0,), ())
        first = book.attributes([(3, kind), (5, kind)])
        second = book.attributes([(1, kind), (2, ("p", (0,), (("style", "c:d"),)))])
        self.assertEqual(first, {3: {"style": "a:b"}, 5: {"style": "a:b"}})
        self.assertEqual(second, {1: {"style": "a:b"}, 2: {"style": "a:b; c:d"}})
        self.assertIs(first[3], second[1])

    def test_unchanged(self) -> None:
        """An element that says it already is left out."""
        self.assertEqual(_book("p{a:b}").attributes([(3, ("p", (0,), (("style", "a:b"),)))]), {})

    def test_kept_is_bounded(self) -> None:
        """What is kept does not grow with what documents say."""
        book = _book("p{a:b}")
        for number in range(100):
            (changes,) = book.attributes([(0, ("p", (0,), (("style", f"x:{number}" + "y" * 5000),)))]).values()
            self.assertTrue(changes["style"].startswith(f"a:b; x:{number}y"))
        self.assertLess(sum(size for _, size in book._kept.values()), 2 * rulebook._MAX_KEPT)

    def test_growth(self) -> None:
        """Attributes of many elements that would grow without measure are refused, alike or not."""
        book = _book("p{a:" + "b" * 100_000 + "}")
        self.assertRaises(InliningFailed, book.attributes, ((number, ("p", (0,), ())) for number in range(100)))

    def test_remaining(self) -> None:
        """A settled entry leaves its sheet; what applies strengthens what competes, in every sheet."""
        book = _book("p{a:b}", "i{a:d}", "p:hover{a:c}")
        self.assertEqual(book.remaining({0}, {0}), ("", "i{a:d}", "\np:hover { a: c !important }\n"))
        self.assertEqual(book.remaining({0}, ()), ("p{a:b}", "i{a:d}", "\np:hover { a: c !important }\n"))


class LibraryTests(SynchronousTestCase):
    """Which books are kept."""

    def test_compiled_once(self) -> None:
        """The same style sheets are compiled once, in whatever company."""
        library = Library(str)
        book = library.book(["p{}", "i{}"])
        self.assertIs(library.book(("p{}", "i{}")), book)
        other = library.book(("i{}", "p{}"))
        self.assertIsNot(other, book)
        self.assertIs(other.sheets[0], book.sheets[1])

    def test_bounds(self) -> None:
        """Many sheets, large ones and ones of many selectors do not fill the memory; books go with their sheets."""
        library = Library(str)
        first = library.book(["p{}"])
        for number in range(300):
            library.book([f"a{{color:{number}}}"])
        self.assertEqual((len(library._sheets), len(library._books)), (200, 200))
        self.assertIsNot(library.book(["p{}"]), first)
        library.book(["".join(f".a{number}{{x:y}}" for number in range(4000))])
        self.assertEqual((len(library._sheets), len(library._books)), (1, 1))
        library.book(["/*" + "x" * 4_000_000])
        library.book(["p{}", "/*" + "x" * 4_000_000])
        self.assertEqual((len(library._sheets), len(library._books)), (2, 2))
        for number in range(300):
            library.book(["p{}"] * (number + 1))
        self.assertEqual(len(library._books), 200)
