"""Starting as root and giving root up."""

import os
import pwd
import subprocess
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.support.installation import ENVIRONMENT, TWISTD, Installation
from tests.support.sink import Sink


class PrivilegeTests(SynchronousTestCase):
    """C{twistd --uid}."""

    def test_uid(self) -> None:
        """The server binds as root and runs as the owner of its folder, from its first start on."""
        if os.geteuid() != 0:
            raise SkipTest("only root can become somebody else")
        nobody = pwd.getpwnam("nobody")
        with Sink() as sink, Installation(sink.port, is_started=False) as it:
            for folder, _, files in os.walk(it.folder):
                for name in (folder, *(os.path.join(folder, file) for file in files)):
                    os.chown(name, nobody.pw_uid, nobody.pw_gid)
            it.folder.chmod(0o755)
            command = [*TWISTD, "-n", "--pidfile=", "--uid", "nobody", "--gid", str(nobody.pw_gid)]
            with it.log.open("ab") as log:
                it.process = subprocess.Popen(
                    [*command, "smtpeter", "--config", str(it.config)],
                    cwd=it.folder,
                    env=ENVIRONMENT,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            it.wait_ready()
            status = Path(f"/proc/{it.process.pid}/status").read_text()
            self.assertIn(f"Uid:\t{nobody.pw_uid}\t", status)
            owners = {file.name: file.stat().st_uid for file in (it.config.parent / "state").iterdir()}
            self.assertEqual(set(owners.values()), {nobody.pw_uid}, owners)
            it.stop()
