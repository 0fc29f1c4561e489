"""What holds for every file of the package: shape, the one import of the reactor, no clock or chance below assembly."""

import ast
import configparser
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "smtpeter"
MOST_LINES = 300
MOST_FUNCTION_LINES = 45

EDGE = ("smtpeter.assembly", "smtpeter.cli", "smtpeter.tap")
"""Where clock and chance come in."""

FORBIDDEN_MODULES = frozenset({"random", "secrets", "uuid"})
FORBIDDEN_NAMES = frozenset(
    {
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "os.getrandom",
        "os.urandom",
        "time.monotonic",
        "time.perf_counter",
        "time.sleep",
        "time.time",
        "time.time_ns",
    }
)


def modules() -> Iterator[tuple[str, ast.Module, str]]:
    """Every module of the package: its dotted name, its tree, its text."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        text = path.read_text("utf-8")
        yield ".".join(parts).removesuffix(".__init__"), ast.parse(text), text


def used_names(tree: ast.Module) -> set[str]:
    """The dotted names that a module imports, or reaches through what it has imported."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {one.asname or one.name.partition(".")[0]: one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            known |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    found = set(known.values())
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            head, _, rest = ast.unparse(node).partition(".")
            if head in known:
                found.add(f"{known[head]}.{rest}")
    return found


def uses_reactor(names: set[str]) -> bool:
    """Whether the global reactor is among them."""
    return any(name == "twisted.internet.reactor" or name.startswith("twisted.internet.reactor.") for name in names)


def clock_or_chance(names: set[str]) -> list[str]:
    """Those that tell the time or give chance without being told how."""
    return sorted(name for name in names if name in FORBIDDEN_NAMES or name.partition(".")[0] in FORBIDDEN_MODULES)


class ReadingTests(SynchronousTestCase):
    """The tests below would notice."""

    def test_reactor(self) -> None:
        """Each way to get at the global reactor is seen."""
        for text in (
            "from twisted.internet import reactor",
            "from twisted.internet import reactor as loop",
            "import twisted.internet.reactor",
            "def late():\n    from twisted.internet import reactor",
            "from twisted import internet\ninternet.reactor.run()",
        ):
            self.assertTrue(uses_reactor(used_names(ast.parse(text))), text)
        self.assertFalse(uses_reactor(used_names(ast.parse("from twisted.internet import interfaces"))))

    def test_clock_and_chance(self) -> None:
        """Each way to ask the system for the time or for chance is seen, and keys of ours are no chance."""
        for text in (
            "import time\ntime.time()",
            "from time import time",
            "import random",
            "from random import Random",
            "import os\nx = os.urandom",
            "from os import urandom",
            "import uuid as names",
            "from datetime import datetime\ndatetime.now()",
        ):
            self.assertNotEqual(clock_or_chance(used_names(ast.parse(text))), [], text)
        for text in (
            "from smtpeter.auth.secrets import Secrets",
            "from datetime import datetime\ndatetime.fromtimestamp(0)",
            "def keep(secrets):\n    return secrets.key",
        ):
            self.assertEqual(clock_or_chance(used_names(ast.parse(text))), [], text)


class HouseTests(SynchronousTestCase):
    """The package, file by file."""

    def test_reactor(self) -> None:
        """Only C{tap} imports the reactor; everybody else is given one."""
        self.assertEqual([name for name, tree, _ in modules() if uses_reactor(used_names(tree))], ["smtpeter.tap"])

    def test_benchmarks(self) -> None:
        """It imports nothing of the benchmarks or tests: the server there that loses mail is out of its reach."""
        outside = ("benchmarks", "tests")
        found = {
            name: sorted(used for used in used_names(tree) if used.partition(".")[0] in outside)
            for name, tree, _ in modules()
        }
        self.assertGreater(len(found), 100)
        self.assertEqual({name: names for name, names in found.items() if names}, {})

    def test_clock_and_chance(self) -> None:
        """Below assembly and the command line nobody asks the system for the time or for chance."""
        found = {
            name: clock_or_chance(used_names(tree))
            for name, tree, _ in modules()
            if not any(name == edge or name.startswith(edge + ".") for edge in EDGE)
        }
        self.assertEqual({name: names for name, names in found.items() if names}, {})

    def test_docstrings(self) -> None:
        """Every module says what it is for."""
        self.assertEqual([name for name, tree, _ in modules() if not ast.get_docstring(tree)], [])

    def test_modules_are_short(self) -> None:
        """No module has more than 300 lines."""
        lengths = {name: len(text.splitlines()) for name, _, text in modules()}
        self.assertGreater(len(lengths), 100)
        self.assertEqual({name: length for name, length in lengths.items() if length > MOST_LINES}, {})

    def test_functions_are_short(self) -> None:
        """No function has more than 45 lines; a migration lists tables and may."""
        long = [
            f"{name}.{node.name}: {length}"
            for name, tree, _ in modules()
            if ".migrations.versions." not in name
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (length := (node.end_lineno or 0) - node.lineno + 1) > MOST_FUNCTION_LINES
        ]
        self.assertEqual(long, [])


class TestsTests(SynchronousTestCase):
    """The tests themselves."""

    def test_imports(self) -> None:
        """They import nothing of the benchmarks: against the wheel they stand alone."""
        trees = {path: ast.parse(path.read_text("utf-8")) for path in (ROOT / "tests").rglob("*.py")}
        self.assertGreater(len(trees), 100)
        found = {path.name for path, tree in trees.items() if any(n.startswith("benchmarks") for n in used_names(tree))}
        self.assertEqual(found, set())


class ContractTests(SynchronousTestCase):
    """The import contracts in setup.cfg speak of the package as it is."""

    def contract(self, name: str, key: str) -> list[str]:
        """The lines of a list in a contract."""
        found = configparser.ConfigParser()
        found.read_string((ROOT / "setup.cfg").read_text("utf-8"))
        return found[f"importlinter:contract:{name}"][key].split()

    def test_pure_modules_exist(self) -> None:
        """Every module that is promised to be pure is there, and so are those that may not speak SQL."""
        known = {name for name, _, _ in modules()}
        for contract in ("pure", "sql"):
            named = self.contract(contract, "source_modules")
            self.assertGreater(len(named), 5)
            self.assertEqual([name for name in named if name not in known], [], contract)

    def test_wholly_pure_packages(self) -> None:
        """Values, boundaries, MIME and tokens are promised to be pure as a whole."""
        promised = self.contract("pure", "source_modules")
        for package in ("model", "boundaries", "mime", "tracking"):
            self.assertIn(f"smtpeter.{package}", promised)

    def test_layers(self) -> None:
        """Every package has its place in the layers."""
        layers = {word for word in self.contract("layers", "layers") if word not in "|:"}
        packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
        self.assertEqual(packages - layers, set())
