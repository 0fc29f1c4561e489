"""
Haraka from npm, with its own outbound queue, which syncs each message's file before it is acknowledged.

A plugin of a few lines names the next hop; the rest is its own: TLS, the login file, one process as by default.
C{$HARAKA} names the folder in which it is installed (see docs/performance.md).
"""

import os
import shutil
import subprocess
from pathlib import Path

from attrs import define

from benchmarks.peers import PASSWORD, USERNAME, Entrance, Folder

INSTALLED = Path(os.environ.get("HARAKA", "/tmp/haraka"))

_NEXT_HOP = """
exports.hook_get_mx = (next, hmail, domain) => next(OK, {{ priority: 0, exchange: '127.0.0.1', port: {port} }})
"""


def is_installed() -> bool:
    """Whether it can be run."""
    return _program().exists()


def _program() -> Path:
    return INSTALLED / "node_modules" / "Haraka" / "bin" / "haraka"


@define(eq=False)
class Haraka:
    """One instance. @ivar nodes: C{""} for its default, one process; C{"cpus"} for one on each processor."""

    folder: Folder
    next_hop_port: int
    certificate: Path
    key: Path
    nodes: str = ""
    name: str = "Haraka"

    def start(self) -> None:
        """Set up and run."""
        folder = self.folder
        subprocess.run(("node", str(_program()), "-i", str(folder.path)), check=True, capture_output=True)
        nodes = f"nodes={self.nodes}\n" if self.nodes else ""
        folder.write("config/smtp.ini", f"listen=127.0.0.1:{folder.port}\n{nodes}")
        folder.write("config/plugins", "tls\nauth/flat_file\nnext_hop\n")
        folder.write("config/auth_flat_file.ini", f"[core]\nmethods=PLAIN,LOGIN\n[users]\n{USERNAME}={PASSWORD}\n")
        folder.write("config/outbound.ini", "local_mx_ok=true\nenable_tls=false\n")
        folder.write("config/me", "localhost\n")
        folder.write("config/tls.ini", "key=tls_key.pem\ncert=tls_cert.pem\n")
        folder.write("plugins/next_hop.js", _NEXT_HOP.format(port=self.next_hop_port))
        shutil.copy(self.certificate, folder.path / "config" / "tls_cert.pem")
        shutil.copy(self.key, folder.path / "config" / "tls_key.pem")
        (folder.path / "queue").mkdir(exist_ok=True)
        folder.run("node", str(_program()), "-c", str(folder.path))

    def stop(self) -> None:
        """End it."""
        self.folder.end()

    @property
    def pid(self) -> int:
        """The first process."""
        assert self.folder.process is not None
        return self.folder.process.pid

    @property
    def entrances(self) -> list[Entrance]:
        """The one."""
        return [Entrance(name="", port=self.folder.port)]
