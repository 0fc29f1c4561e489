"""
An Exim of its own folder that sends everything through SMTPeter, as a smart-host client does.

Debian's Exim and Postfix exclude each other as packages, so C{SMTPETER_TEST_EXIM} may name the program of a package
that was only unpacked. It insists on a user C{Debian-exim}, who then does not exist: nss_wrapper shows it one. It runs
without privileges, as a copy that is not set-user-ID, in which nss_wrapper would not be loaded.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from attrs import define, field

from tests.support.installation import free_ports

VARIABLE = "SMTPETER_TEST_EXIM"
WRAPPER = "libnss_wrapper.so"
NOBODY = 65534

_CONFIG = """\
exim_path = {folder}/exim
keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
primary_hostname = client.example
spool_directory = {folder}/spool
log_file_path = {folder}/log.%s
local_interfaces = 127.0.0.1
daemon_smtp_ports = {listen}
pid_file_path = {folder}/pid
deliver_drop_privilege = true
disable_ipv6 = true
rfc1413_query_timeout = 0s
tls_advertise_hosts =
acl_smtp_rcpt = accept

begin routers
smart_host:
  driver = manualroute
  route_list = * localhost::{port} byname
  self = send
  transport = smart_host

begin transports
smart_host:
  driver = smtp
  hosts_require_tls = *
  hosts_require_auth = *
  tls_verify_certificates = {folder}/ca.pem
  tls_verify_hosts = *
  tls_verify_cert_hostnames = *

begin retry
* * F,1h,1m

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^{username}^{password}
"""


def program() -> str | None:
    """Where Exim is, or C{None}."""
    return os.environ.get(VARIABLE) or shutil.which("exim4", path="/usr/sbin:/usr/bin")


def why_not() -> str | None:
    """Why Exim cannot run here, or C{None}."""
    path = program()
    if path is None or not Path(path).is_file():
        return f"Exim is not installed (Debian: exim4-daemon-light, unpacked; its path in {VARIABLE}; libnss-wrapper)"
    return None


@define(eq=False)
class Exim:
    """C{with Exim(…) as exim:} starts it; hand mail in at C{exim.port}."""

    next_hop: int
    certificate: Path
    username: str
    password: str
    port: int = field(init=False, default=0)
    folder: Path = field(init=False, factory=lambda: Path(tempfile.mkdtemp(prefix="smtpeter-exim-")))
    process: "subprocess.Popen[bytes] | None" = field(init=False, default=None)

    def __enter__(self) -> "Exim":
        installed = program()
        assert installed is not None
        (self.port,) = free_ports(1)
        shutil.copyfile(installed, self.folder / "exim")
        (self.folder / "exim").chmod(0o755)
        shutil.copy(self.certificate, self.folder / "ca.pem")
        config = self.folder / "config"
        config.write_text(
            _CONFIG.format(
                folder=self.folder, listen=self.port, port=self.next_hop, username=self.username, password=self.password
            )
        )
        config.chmod(0o644)
        # Nobody in place of root, who may not be Exim's user.
        is_root = os.getuid() == 0
        uid, gid = (NOBODY, NOBODY) if is_root else (os.getuid(), os.getgid())
        os.chown(self.folder, uid, gid)
        with (self.folder / "output").open("wb") as output:
            self.process = subprocess.Popen(
                [self.folder / "exim", "-C", config, "-bdf", "-q1m"],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self._users(uid, gid)},
                start_new_session=True,
                user=uid if is_root else None,
                group=gid if is_root else None,
                extra_groups=[] if is_root else None,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _users(self, uid: int, gid: int) -> dict[str, str]:
        """Variables that show Exim its user."""
        (self.folder / "passwd").write_text(
            f"root:x:0:0:root:/root:/bin/sh\nDebian-exim:x:{uid}:{gid}::{self.folder}:/bin/false\n"
        )
        (self.folder / "group").write_text(f"root:x:0:\nmail:x:8:\nDebian-exim:x:{gid}:\n")
        return {
            "LD_PRELOAD": WRAPPER,
            "NSS_WRAPPER_PASSWD": str(self.folder / "passwd"),
            "NSS_WRAPPER_GROUP": str(self.folder / "group"),
        }

    @property
    def said(self) -> str:
        """What it said."""
        files = [self.folder / "output", *sorted(self.folder.glob("log.*"))]
        return "\n".join(f"{file.name}:\n{file.read_text(errors='replace')}" for file in files)
