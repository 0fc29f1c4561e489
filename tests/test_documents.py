"""What README, docs and CONTRIBUTING say is there, and nothing is said that belongs elsewhere."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.config.document import known_keys
from smtpeter.storage.tables import metadata

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

ON_THE_WAY = (
    "smtpd/door.py",
    "smtpd/framing.py",
    "intake/desk.py",
    "queue/pump.py",
    "queue/settle.py",
    "prepare/compiler.py",
    "prepare/recipe.py",
    "relay/relay.py",
    "relay/pools.py",
    "relay/connection.py",
    "relay/outcomes.py",
    "storage/queue.py",
    "web/tracking.py",
    "tap.py",
)
"""Modules without which the way of a message is not told."""

WRITTEN = frozenset({".py", ".md", ".toml", ".cfg", ".ini", ".txt", ".service", ".html", ".mako", ".sh"})
"""Endings of files that people write."""

OUT_OF_PLACE = re.compile(
    r"(?i:\bissue[ ]?#?[0-9]|\b(?:ticket|milestone|sprint)s? [0-9]|/wor[k]/|\b[a-z]+-studi[o]\b|\bthe foun[d]er\b)"
    r"|/tmp/[A-Z]|\b[Hh]elper [A-Z]\b|\b(?:TO[D]O|FI[X]ME|X{3})\b"
)
"""Numbers of plans, folders and tools of whoever wrote it, and promises to come back: they mean nothing to a reader."""


def anchors(text: str) -> set[str]:
    """The names under which the headings of a document can be linked."""
    headings = re.findall(r"(?m)^#+ (.*)$", text)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path: Path, text: str) -> list[str]:
    """Relative links that lead nowhere."""
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        if not file.exists() or (anchor and anchor not in anchors(file.read_text("utf-8"))):
            found.append(target)
    return found


def shell_blocks(text: str) -> list[list[str]]:
    """The lines of each fenced block of shell commands that is to be run as it stands."""
    return [block.splitlines() for block in re.findall(r"(?ms)^```sh\n(.*?)^```$", text)]


def first_words() -> set[str]:
    """With what a dotted name begins that is one of ours: a package, a module, a section of the configuration."""
    packages = {path.parent.name for path in (ROOT / "smtpeter").glob("*/__init__.py")}
    modules = {path.stem for path in (ROOT / "smtpeter").glob("*.py")}
    return packages | modules | {section.partition(".")[0] for section in known_keys()}


def exists(name: str) -> bool:
    """Whether a dotted name is a key of the configuration, a file, or something that can be imported."""
    section, _, key = name.rpartition(".")
    if key in known_keys().get(section, ()):
        return True
    if key == "py":
        return (ROOT / "smtpeter" / f"{section}.py").exists()
    parts = ["smtpeter", *name.split(".")]
    for cut in range(len(parts), 1, -1):
        try:
            found: object = import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part, None)
        return found is not None
    return False


def dotted_names(text: str) -> set[str]:
    """Names of ours in backticks."""
    pattern = rf"(?:{'|'.join(sorted(first_words() - {'__init__', '__main__'}))})(?:\.[A-Za-z_]\w*)+"
    return {name for name in re.findall(r"`([^`\s]+)`", text) if re.fullmatch(pattern, name)}


def written_files() -> Iterator[Path]:
    """Everything in the repository that somebody has written."""
    for path in sorted(ROOT.iterdir()):
        if path.is_file():
            yield path
        elif path.name == ".ci" or not path.name.startswith((".", "_", "build", "dist", "node_modules")):
            yield from (one for one in sorted(path.rglob("*")) if one.is_file())


class ReadingTests(SynchronousTestCase):
    """The tests below would notice."""

    def test_links(self) -> None:
        """A link to a missing file or heading is seen; one that leads somewhere, or abroad, is none."""
        good = "# A b\n[a](docs/operations.md) [b](#a-b) [c](https://example.com/x) [d](docs/operations.md#backup)"
        self.assertEqual(broken_links(ROOT / "README.md", good), ["#a-b"])
        bad = "[a](docs/none.md) [b](docs/operations.md#none)"
        self.assertEqual(broken_links(ROOT / "README.md", bad), ["docs/none.md", "docs/operations.md#none"])

    def test_names(self) -> None:
        """Modules, classes, methods and keys exist; what is misspelled does not."""
        for name in ("queue.pump.Pump", "queue.pump.Pump.hand_over", "smtp.listen", "relay.route.host", "tap.py"):
            self.assertEqual((dotted_names(f"`{name}`"), exists(name)), ({name}, True), name)
        for name in ("queue.pump.Pomp", "queue.pomp.Pump", "smtp.listens", "queue.pump.Pump.hand_in", "assembly.py"):
            self.assertEqual((dotted_names(f"`{name}`"), exists(name)), ({name}, False), name)
        self.assertEqual(dotted_names("`smtpeter.toml` `a.b` tap.py `tap py`"), set())

    def test_words(self) -> None:
        """Words of the workshop are seen, and those of the field are not taken for them."""
        for text in (
            "see iss" + "ue #2",
            "Iss" + "ue 12",
            "/wor" + "k/main",
            "in /tm" + "p/Q/x",
            "a blue" + "-studio look",
        ):
            self.assertIsNotNone(OUT_OF_PLACE.search(text), text)
        for text in ("an issuer", "/worker/", "tempfile in /tmp/smtpeter", "issue a certificate", "studio"):
            self.assertIsNone(OUT_OF_PLACE.search(text), text)


class DocumentTests(SynchronousTestCase):
    """The documents against the repository."""

    def test_links(self) -> None:
        """Every relative link leads to a file, and to a heading where it names one."""
        broken = {path.name: broken_links(path, path.read_text("utf-8")) for path in DOCUMENTS}
        self.assertEqual({name: links for name, links in broken.items() if links}, {})

    def test_names(self) -> None:
        """Every module, class, function and configuration key that is named in backticks exists."""
        names = {path.name: dotted_names(path.read_text("utf-8")) for path in DOCUMENTS}
        self.assertGreater(len(names["architecture.md"]), 30)
        missing = {file: sorted(name for name in found if not exists(name)) for file, found in names.items()}
        self.assertEqual({file: found for file, found in missing.items() if found}, {})

    def test_every_document_is_reached(self) -> None:
        """README leads to every document."""
        readme = (ROOT / "README.md").read_text("utf-8")
        others = [path.relative_to(ROOT) for path in DOCUMENTS if path.name != "README.md"]
        self.assertEqual([str(path) for path in others if f"]({path})" not in readme], [])

    def test_architecture(self) -> None:
        """The architecture names every package, every module on the way of a message, and every table."""
        text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
        packages = [f"](../smtpeter/{path.parent.name})" for path in (ROOT / "smtpeter").glob("*/__init__.py")]
        self.assertGreater(len(packages), 10)
        dotted = {f"../smtpeter/{name}": name.removesuffix(".py").replace("/", ".") for name in ON_THE_WAY}
        unnamed = [link for link, name in dotted.items() if link not in text and f"`{name}." not in text]
        tables = [f"`{name}`" for name in metadata.tables]
        self.assertEqual([*unnamed, *(one for one in [*packages, *tables] if one not in text)], [])

    def test_commands_of_the_readme(self) -> None:
        """The two commands to copy are a line each, and they are the demo and the tests."""
        blocks = shell_blocks((ROOT / "README.md").read_text("utf-8"))
        self.assertEqual([len(block) for block in blocks[:2]], [1, 1])
        self.assertTrue(blocks[0][0].endswith("smtpeter demo"), blocks[0])
        self.assertIn("trial tests", blocks[1][0])

    def test_figures_of_the_readme(self) -> None:
        """Every rate by which the README compares stands in a table of docs/performance.md."""
        compared = (ROOT / "README.md").read_text("utf-8").partition("## How it compares")[2].partition("\n## ")[0]
        rows = re.findall(r"(?m)^\|.*\|$", (ROOT / "docs" / "performance.md").read_text("utf-8"))
        measured = {cell.strip() for row in rows for cell in row.split("|")}
        said = set(re.findall(r"\b[0-9]{3,}\b", compared))
        self.assertGreater(len(said), 5)
        self.assertEqual(said - measured, set())

    def test_benchmarks(self) -> None:
        """The table of scripts names every benchmark that can be run, but for the processes that others start."""
        text = (ROOT / "docs" / "performance.md").read_text("utf-8")
        rows = "\n".join(re.findall(r"(?m)^\| `benchmarks\..*$", text))
        named = set(re.findall(r"`benchmarks\.(\w+)`", rows))
        found = {path.stem for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text("utf-8")}
        self.assertGreater(len(named), 10)
        self.assertEqual(found - named, {"fetch", "forgetful", "post"})
        self.assertEqual(named - found, set())

    def test_changelog(self) -> None:
        """The first entry is that of the version in setup.cfg."""
        version = re.search(r"(?m)^version = (\S+)$", (ROOT / "setup.cfg").read_text("utf-8"))
        entry = re.search(r"(?m)^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"))
        assert version is not None and entry is not None
        self.assertEqual(entry[1], version[1])


class RepositoryTests(SynchronousTestCase):
    """All text of the repository."""

    def test_words(self) -> None:
        """Nothing speaks of plans, tools or folders of those who wrote it."""
        found = []
        paths = [path for path in written_files() if path.suffix in WRITTEN or path.parent.name == ".ci"]
        for path in paths:
            for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
                if OUT_OF_PLACE.search(line):
                    found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
        self.assertGreater(len(paths), 200)
        self.assertEqual(found, [])
