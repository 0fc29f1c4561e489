"""C{smtpeter init}: a new installation."""

import json
import os
import sqlite3
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.auth.secrets import load_secrets
from smtpeter.cli.failures import Stopped
from smtpeter.cli.foundation import PARTS, Foundation
from smtpeter.cli.init import own_name
from smtpeter.config import load_settings
from smtpeter.config.checks import host_name
from smtpeter.tls.pair import load_pair
from tests.cli.installed import Installed, call


class InitTests(SynchronousTestCase):
    """What it makes, and what it leaves alone."""

    def folder(self) -> Path:
        """A new name."""
        return Path(self.mktemp()).absolute()

    def test_makes_everything(self) -> None:
        """Configuration, certificate for the host name, keys, database, the account C{default}."""
        it = Installed(self.folder())
        self.assertEqual(it.settings.server.hostname, "mail.example.com")
        pair = load_pair(it.folder / "tls" / "cert.pem", it.folder / "tls" / "key.pem")
        self.assertEqual(pair.names, ("mail.example.com",))
        self.assertEqual(len(load_secrets(it.folder / "secrets").password_key), 32)
        self.assertEqual(it.records("account", "list"), [{"id": 1, "name": "default", "standing": "active"}])

    def test_permissions(self) -> None:
        """What is secret is readable by the owner only."""
        it = Installed(self.folder())
        for name in ("smtpeter.toml", "tls/key.pem", "state", "state/smtpeter.db", "secrets", "secrets/mac-0.key"):
            self.assertEqual((it.folder / name).stat().st_mode & 0o077, 0, name)

    def test_modes(self) -> None:
        """Also where files are open to everybody by default, only what clients may see is readable by others."""
        self.addCleanup(os.umask, os.umask(0))
        it = Installed(self.folder())
        it.record("login", "create", "web")
        found = {str(path.relative_to(it.folder)): path.stat().st_mode & 0o777 for path in it.folder.rglob("*")}
        folders = [found.pop(name) for name in ("tls", "secrets", "state")]
        self.assertEqual(folders, [0o755, 0o700, 0o700])
        self.assertEqual(found.pop("tls/cert.pem"), 0o644)
        self.assertGreater(len(found), 5)
        self.assertEqual({name: oct(mode) for name, mode in found.items() if mode != 0o600}, {})

    def test_next_steps(self) -> None:
        """A person is told what to do next; a script gets an object."""
        said = call("init", str(self.folder()), "--hostname", "a.example").stdout
        for word in ("login create", "domain add", "twistd -n smtpeter --config", "a.example"):
            self.assertIn(word, said)
        folder = self.folder()
        record = json.loads(call("init", str(folder), "--hostname", "Bücher.example", "--json").stdout)
        self.assertEqual(
            record, {"config": str(folder / "smtpeter.toml"), "hostname": "xn--bcher-kva.example", "account": "default"}
        )

    def test_own_name(self) -> None:
        """Without a host name it is that of the machine, in a form that the configuration takes."""
        self.assertEqual(host_name(own_name()), own_name())
        folder = self.folder()
        self.assertEqual(call("init", str(folder)).exit_code, 0)
        self.assertEqual(load_settings(folder / "smtpeter.toml").server.hostname, own_name())

    def test_overwrites_nothing(self) -> None:
        """Any part that exists stops it before anything is written, and is named."""
        for part in PARTS:
            folder = self.folder()
            folder.mkdir()
            (folder / part).write_text("mine")
            result = call("init", str(folder), "--hostname", "a.example")
            self.assertEqual((result.exit_code, result.stdout), (1, ""))
            self.assertIn(f"already has {part}: nothing is overwritten", result.stderr)
            self.assertEqual([path.name for path in folder.iterdir()], [part])
            self.assertEqual((folder / part).read_text(), "mine")

    def test_other_files_stay(self) -> None:
        """A folder with other things in it is no obstacle."""
        folder = self.folder()
        folder.mkdir()
        (folder / "notes").write_text("mine")
        self.assertEqual(Installed(folder).records("login", "list"), [])
        self.assertEqual((folder / "notes").read_text(), "mine")

    def test_unwritable(self) -> None:
        """A folder that cannot be made or written is told in one line."""
        file = self.folder()
        file.write_text("")
        for folder in (file, file / "below"):
            result = call("init", str(folder), "--hostname", "a.example")
            self.assertEqual(result.exit_code, 1)
            self.assertEqual(len(result.stderr.splitlines()), 1)
            self.assertIn(str(file), result.stderr)
        # In /proc nobody may make a folder, root neither.
        result = call("init", "/proc/smtpeter", "--hostname", "a.example")
        self.assertEqual(result.exit_code, 1)
        self.assertIn("/proc/smtpeter", result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1)

    def test_failure_leaves_nothing(self) -> None:
        """When a late part fails, the early ones are taken away, so that it can be tried again."""
        folder = self.folder()

        def failing(size: int) -> bytes:
            # The certificate asks for 15 bytes, the keys for 32 each.
            if size == 32:
                raise OSError(28, "No space left on device")
            return bytes(size)

        foundation = Foundation(folder=folder, hostname="a.example", now=0.0, chance=failing)
        failure = self.assertRaises(Stopped, foundation.lay)
        self.assertIn("No space left", str(failure))
        self.assertFalse(folder.exists())

    def test_wrong_hostname(self) -> None:
        """A host name that is none is refused before anything is written."""
        folder = self.folder()
        result = call("init", str(folder), "--hostname", "192.0.2.1")
        self.assertEqual(result.exit_code, 1)
        self.assertIn("IP address", result.stderr)
        self.assertFalse(folder.exists())


class UpkeepTests(SynchronousTestCase):
    """C{migrate} and C{backup}."""

    def test_migrate(self) -> None:
        """An empty database is refused by the commands and made whole by C{migrate}; again it changes nothing."""
        it = Installed(self.mktemp())
        (it.folder / "state" / "smtpeter.db").unlink()
        self.assertIn("smtpeter migrate", it.refusal("account", "list"))
        first = it.record("migrate")
        self.assertIsNone(first["before"])
        self.assertEqual(it.record("migrate"), {"before": first["after"], "after": first["after"]})
        self.assertEqual(it.records("account", "list"), [])

    def test_newer_schema(self) -> None:
        """A database of a newer version is left alone."""
        it = Installed(self.mktemp())
        with sqlite3.connect(it.folder / "state" / "smtpeter.db") as connection:
            connection.execute("UPDATE alembic_version SET version_num = 'zzzz'")
        for command in (("migrate",), ("account", "list")):
            self.assertIn("newer version", it.refusal(*command))

    def test_backup_is_an_installation(self) -> None:
        """The copy works by itself: same logins, keys that open its database, private permissions."""
        it = Installed(self.mktemp())
        it.record("login", "create", "web")
        it.record("domain", "add", "shop.example")
        copy = Path(self.mktemp()).absolute()
        self.assertEqual(it.record("backup", str(copy)), {"backup": str(copy)})
        it.record("login", "delete", "web")
        config = str(copy / "smtpeter.toml")
        for command in (("login", "list"), ("domain", "show", "shop.example")):
            result = call(*command, "--json", "--config", config)
            self.assertEqual(result.exit_code, 0, result.output)
        self.assertIn('"web"', call("login", "list", "--json", "--config", config).stdout)
        self.assertEqual(load_secrets(copy / "secrets"), load_secrets(it.folder / "secrets"))
        self.assertEqual(copy.stat().st_mode & 0o777, 0o700)
        self.assertTrue((copy / "tls" / "key.pem").exists())

    def test_backup_overwrites_nothing(self) -> None:
        """The folder must be new."""
        it = Installed(self.mktemp())
        self.assertIn("name a new folder", it.refusal("backup", str(it.folder)))

    def test_backup_of_files_elsewhere(self) -> None:
        """Files outside of the configuration's folder get their usual places."""
        it = Installed(self.mktemp())
        keys = Path(self.mktemp()).absolute()
        (it.folder / "secrets").rename(keys)
        it.config.write_text(it.config.read_text().replace('#folder = "secrets"', f'folder = "{keys}"'))
        copy = Path(self.mktemp()).absolute()
        it.record("backup", str(copy))
        self.assertEqual(load_secrets(copy / "secrets"), load_secrets(keys))

    def test_failed_backup_leaves_nothing(self) -> None:
        """When a part cannot be copied there is no half of a backup."""
        it = Installed(self.mktemp())
        (it.folder / "tls" / "key.pem").unlink()
        copy = Path(self.mktemp()).absolute()
        self.assertIn("key.pem", it.refusal("backup", str(copy)))
        self.assertFalse(copy.exists())
