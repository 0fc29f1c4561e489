"""What an installed SMTPeter is: the wheel, its plugin, its data; and where the obvious settings of setuptools fail."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from zipfile import ZipFile

from twisted.trial.unittest import SynchronousTestCase

from tests.support.installation import TWIST, TWISTD

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "smtpeter", "twisted", "tests", "benchmarks")
PLUGIN = "twisted/plugins/smtpeter_plugin.py"
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
WHERE = "import smtpeter, twisted.plugins; print(smtpeter.__file__, *twisted.plugins.__path__)"


def run(folder: Path, *command: str, path: Path | None = None) -> str:
    """
    Run a program to its end, with one more folder to import from and no other of ours. @return: what it printed.

    @raise AssertionError: it failed.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(command, check=False, cwd=folder, env=environment, capture_output=True, text=True, timeout=99)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def copy_sources(folder: Path) -> Path:
    """The repository, where building may leave things."""
    sources = folder / "sources"
    sources.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, sources / part, ignore=shutil.ignore_patterns("__pycache__", "dropin.cache"))
        else:
            shutil.copy(ROOT / part, sources / part)
    return sources


def build(sources: Path) -> Path:
    """Its wheel."""
    run(sources, sys.executable, "-c", BUILD, str(sources.parent))
    (wheel,) = sources.parent.glob("*.whl")
    return wheel


@cache
def wheel() -> Path:
    """The one of the repository as it is."""
    folder = Path(tempfile.mkdtemp(prefix="smtpeter-wheel-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return build(copy_sources(folder))


def contents(path: Path) -> set[str]:
    """The names in a wheel."""
    with ZipFile(path) as archive:
        return set(archive.namelist())


class WheelTests(SynchronousTestCase):
    """What is in it."""

    def test_contents(self) -> None:
        """The package with all its data, and the plugin; nothing else, and nothing that would hide Twisted's own."""
        found = contents(wheel())
        files = {path for path in (ROOT / "smtpeter").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
        expected = {path.relative_to(ROOT).as_posix() for path in files} | {PLUGIN}
        self.assertEqual({name for name in found if ".dist-info/" not in name}, expected)
        self.assertIn("smtpeter/py.typed", found)
        self.assertIn("smtpeter/cli/smtpeter.toml", found)

    def test_stock(self) -> None:
        """With C{packages = find:} alone there is no plugin, and the tests are shipped."""
        with tempfile.TemporaryDirectory() as folder:
            sources = copy_sources(Path(folder))
            settings = sources / "setup.cfg"
            section = "[options.packages.find]\ninclude =\n    smtpeter\n    smtpeter.*\n    twisted.plugins\n"
            text = settings.read_text("utf-8")
            self.assertIn(section, text)
            settings.write_text(text.replace(section, "").replace("find_namespace:", "find:"), "utf-8")
            found = contents(build(sources))
        self.assertNotIn(PLUGIN, found)
        self.assertIn("tests/__init__.py", found)

    def test_installed(self) -> None:
        """Installed, it is known to twistd and twist, and makes an installation from the files that it brought."""
        with tempfile.TemporaryDirectory() as name:
            folder, place = Path(name), Path(name) / "installed"
            options = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", "--target")
            run(folder, sys.executable, "-m", "pip", "install", *options, str(place), str(wheel()))
            package, *searched = run(folder, sys.executable, "-c", WHERE, path=place).split()
            self.assertTrue(Path(package).is_relative_to(place), package)
            # Another one may be installed where the tests run, and its plugin comes first.
            self.assertIn(str((place / PLUGIN).parent), searched)
            self.assertTrue((place / PLUGIN).exists())
            for program in (TWISTD, TWIST):
                self.assertRegex(run(folder, *program, "--help", path=place), r"(?m)^ +smtpeter +An e-mail gateway")
            self.assertTrue((place / "bin" / "smtpeter").exists())
            command = (sys.executable, "-m", "smtpeter")
            run(folder, *command, "init", "here", "--hostname", "mail.example.com", path=place)
            said = run(folder, *command, "account", "list", "--config", "here/smtpeter.toml", path=place)
            self.assertIn("default", said)


class CheckoutTests(SynchronousTestCase):
    """An installation that follows a checkout."""

    def test_editable(self) -> None:
        """With C{editable_mode=compat} the plugin is found in the checkout; without it it is not."""
        for settings, is_found in ((("--config-settings", "editable_mode=compat"), True), ((), False)):
            with tempfile.TemporaryDirectory() as name:
                python, sources = self.environment(Path(name)), copy_sources(Path(name))
                options = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", "--no-build-isolation")
                run(sources.parent, python, "-m", "pip", "install", *options, *settings, "-e", str(sources))
                searched = run(sources.parent, python, "-c", "from twisted import plugins; print(plugins.__path__)")
                self.assertEqual(repr(str((sources / PLUGIN).parent)) in searched, is_found)

    def environment(self, folder: Path) -> str:
        """A virtual environment that sees what this one has. @return: its Python."""
        run(folder, sys.executable, "-m", "venv", "--without-pip", "environment")
        python = folder / "environment" / "bin" / "python"
        (packages,) = (folder / "environment" / "lib").glob("python*/site-packages")
        here = [path for path in sys.path if path.endswith("site-packages")]
        (packages / "zz_outer.pth").write_text("\n".join(here) + "\n")
        return str(python)

    def test_cache_is_ignored(self) -> None:
        """The cache that Twisted writes beside plugins is none of the repository's."""
        self.assertIn("dropin.cache", (ROOT / ".gitignore").read_text("utf-8").splitlines())
