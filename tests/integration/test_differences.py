"""The judge is judged: what it must let pass and what it must find."""

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.differences import unexplained

BEFORE = '<style>p{}</style><body><p title="x">a &amp; b<a href="https://x.example/">c</a></p></body>'
PIXEL = '<img src="https://t.example/x.gif" width="1" height="1" alt="">'


class JudgeTests(SynchronousTestCase):
    """Differences between documents."""

    def test_permitted(self) -> None:
        """Styles, links and one pixel."""
        for old, new in (
            ("<p title", '<p style="color:red" title'),
            ("<a href", '<a style="a" width="3" href'),
            ("p{}", "q{}"),
            ("https://x.example/", "https://t.example/x/"),
            ("</body>", PIXEL + "</body>"),
            ("<body>", '<body bgcolor="#ffffff">'),
        ):
            self.assertEqual(unexplained(BEFORE, BEFORE.replace(old, new)), "", new)

    def test_found(self) -> None:
        """All else, however small."""
        for old, new in (
            ("&amp;", "&"),
            ('title="x"', "title=x"),
            ("<p title", '<p class="y" title'),
            ("</body>", PIXEL * 2 + "</body>"),
            ("</body>", ""),
            ("</p>", ""),
            ("</p>", "</P>"),
            ("a &", "a  &"),
            ("<body>", "<body><p>"),
            (">c<", ' id="y">c<'),
        ):
            self.assertNotEqual(unexplained(BEFORE, BEFORE.replace(old, new)), "", new)
