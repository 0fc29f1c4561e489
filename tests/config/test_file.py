"""The file itself, its template and its documentation."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

import smtpeter
from smtpeter.config import ConfigurationError, load_settings, read_settings
from smtpeter.config.document import known_keys
from tests.config.texts import FOLDER, MINIMAL, read

ROOT = Path(__file__).resolve().parents[2]


class FileTests(SynchronousTestCase):
    """Reading the file itself."""

    def failure(self, path: Path) -> str:
        """What is told about a file that cannot be read."""
        return str(self.assertRaises(ConfigurationError, load_settings, path))

    def test_link(self) -> None:
        """Paths start at the folder of the file that a link leads to."""
        home = Path(self.mktemp())
        home.mkdir()
        (home / "real.toml").write_text(MINIMAL)
        link = Path(self.mktemp())
        link.symlink_to((home / "real.toml").absolute())
        self.assertEqual(load_settings(link).server.state_dir, home.resolve() / "state")

    def test_unreadable(self) -> None:
        """A missing file, a folder and a file in another encoding are told as such."""
        path = Path(self.mktemp())
        self.assertIn("smtpeter init", self.failure(path))
        path.write_bytes(b"[server]\nhostname = '\xff'\n")
        self.assertIn("not UTF-8 at byte 21", self.failure(path))
        folder = Path(self.mktemp())
        folder.mkdir()
        self.assertIn("cannot read", self.failure(folder))

    def test_extras(self) -> None:
        """What a configuration asks for and is not installed is looked for when it is read."""
        path = Path(self.mktemp())
        path.write_text(MINIMAL + '[processing]\ninliner = "css-inline"\n')
        self.assertEqual(load_settings(path).processing.inliner, "css-inline")
        asked: list[str] = []
        error = self.assertRaises(ConfigurationError, load_settings, path, asked.append)
        self.assertIn("smtpeter[fast]", str(error))
        self.assertEqual(asked, ["css_inline"])
        path.write_text(MINIMAL)
        self.assertEqual(load_settings(path, asked.append).processing.inliner, "premailer")


class TemplateTests(SynchronousTestCase):
    """The commented file that C{init} fills in."""

    template = (Path(smtpeter.__file__).parent / "cli" / "smtpeter.toml").read_text("utf-8")

    def test_copies_are_the_same(self) -> None:
        """The file in the package and the one in etc/ have the same bytes."""
        self.assertEqual((ROOT / "etc" / "smtpeter.toml").read_text("utf-8"), self.template)

    def test_is_valid(self) -> None:
        """As it is, it means the defaults."""
        self.assertEqual(read_settings(self.template, FOLDER), read(""))

    def uncommented(self) -> str:
        """Every key that is commented out, put in."""
        return re.sub(r"(?m)^#(?=\w+ = |\[\[)", "", self.template)

    def test_shows_defaults(self) -> None:
        """A key that is commented out shows its default."""
        found = read_settings(self.uncommented(), FOLDER)
        (route,) = found.relay.routes
        self.assertEqual(attrs.evolve(found, relay=attrs.evolve(found.relay, routes=())), read(""))
        self.assertEqual((route,), read('[[relay.route]]\nhost = "smarthost.example.com"\n').relay.routes)

    def test_is_complete(self) -> None:
        """It has every key, each with a comment above it and alone on its line."""
        table = tomllib.loads(self.uncommented())
        table["relay.route"] = table["relay"].pop("route")[0]
        self.assertEqual(
            {section: set(keys) for section, keys in table.items()},
            {section: set(keys) for section, keys in known_keys().items()},
        )
        lines = self.template.splitlines()
        for above, line in pairwise(lines):
            if re.match(r"#?\w+ = ", line):
                self.assertRegex(above, r"^# \S", line)


class DocumentationTests(SynchronousTestCase):
    """docs/configuration.md"""

    def test_every_key(self) -> None:
        """Every key has a row in the table of its section."""
        sections = re.split(r"(?m)^## ", (ROOT / "docs" / "configuration.md").read_text("utf-8"))
        for section, keys in known_keys().items():
            (part,) = [one for one in sections if one.startswith((f"[{section}]", f"[[{section}]]"))]
            self.assertEqual(set(re.findall(r"(?m)^\| `(\w+)` \|", part)), set(keys), section)
