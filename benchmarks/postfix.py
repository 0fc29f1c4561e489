"""
Postfix from the distribution, as an instance of its own: configuration, queue and log in one folder.

Its queue manager and cleanup sync each message's file before it is acknowledged; that cannot be switched off. Accounts
come from a Cyrus SASL C{sasldb}. Everything else stands at its default.
"""

import os
import shutil
import subprocess
from pathlib import Path

from attrs import define

from benchmarks.peers import PASSWORD, USERNAME, Entrance, Folder

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
myhostname = localhost
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
relayhost = [127.0.0.1]:{next_hop_port}
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {folder}/sasl
smtpd_sasl_local_domain = localhost
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_client_connection_count_limit = 0
mynetworks =
"""

_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

_SASL = """
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {folder}/sasl/sasldb2
mech_list: PLAIN LOGIN
"""


@define(eq=False)
class Postfix:
    """C{postfix start-fg} of an own instance; needs root, and C{saslpasswd2} of the package sasl2-bin."""

    folder: Folder
    next_hop_port: int
    certificate: Path
    key: Path
    name: str = "Postfix"

    def start(self) -> None:
        """Set up and run."""
        folder = self.folder
        values = {
            "folder": folder.path,
            "port": folder.port,
            "next_hop_port": self.next_hop_port,
            "certificate": self.certificate,
            "key": self.key,
        }
        folder.write("main.cf", _MAIN.format(**values))
        folder.write("master.cf", _MASTER.format(**values))
        folder.write("sasl/smtpd.conf", _SASL.format(**values))
        for name in ("queue", "data"):
            (folder.path / name).mkdir()
        shutil.chown(folder.path / "data", "postfix")
        # Its daemons run as their own user and come through here.
        for each in (folder.path, folder.path.parent):
            each.chmod(0o755)
        self._add_user()
        folder.run("postfix", "-c", str(folder.path), "start-fg")

    def stop(self) -> None:
        """End it."""
        subprocess.run(("postfix", "-c", str(self.folder.path), "abort"), capture_output=True, check=False)
        self.folder.end()

    @property
    def pid(self) -> int:
        """The master."""
        assert self.folder.process is not None
        return self.folder.process.pid

    @property
    def entrances(self) -> list[Entrance]:
        """The one."""
        return [Entrance(name="", port=self.folder.port)]

    def _add_user(self) -> None:
        database = self.folder.path / "sasl" / "sasldb2"
        name, _, realm = USERNAME.partition("@")
        subprocess.run(
            ("saslpasswd2", "-p", "-c", "-f", str(database), "-u", realm, name), input=PASSWORD.encode(), check=True
        )
        shutil.chown(database, "postfix")
        os.chmod(database, 0o600)
