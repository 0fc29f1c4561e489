"""A Postfix of its own folder that sends everything through SMTPeter, as a smart-host client does."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from attrs import define, field

from tests.support.installation import free_ports

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = /dev/stdout
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = client.example
mydestination =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
relayhost = [localhost]:{port}
smtp_host_lookup = native
smtp_dns_support_level = disabled
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = texthash:{folder}/passwords
smtp_sasl_security_options = noanonymous
smtp_tls_security_level = verify
smtp_tls_verify_cert_match = hostname
smtp_tls_CAfile = {certificate}
smtputf8_enable = no
local_recipient_maps =
"""

_MASTER = """\
127.0.0.1:{listen} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


def why_not() -> str | None:
    """Why Postfix cannot run here, or C{None}."""
    if shutil.which("postfix", path="/usr/sbin:/usr/bin") is None:
        return "Postfix is not installed (Debian: postfix libsasl2-modules)"
    if os.geteuid() != 0:
        return "Postfix starts only as root"
    return None


@define(eq=False)
class Postfix:
    """C{with Postfix(…) as postfix:} starts it; hand mail in at C{postfix.port}."""

    next_hop: int
    certificate: Path
    username: str
    password: str
    port: int = field(init=False, default=0)
    folder: Path = field(init=False, factory=lambda: Path(tempfile.mkdtemp(prefix="smtpeter-postfix-")))
    process: "subprocess.Popen[bytes] | None" = field(init=False, default=None)

    def __enter__(self) -> "Postfix":
        (self.port,) = free_ports(1)
        self.folder.chmod(0o755)
        (self.folder / "conf").mkdir()
        (self.folder / "data").mkdir()
        (self.folder / "spool").mkdir()
        shutil.chown(self.folder / "data", "postfix")
        certificate = self.folder / "ca.pem"
        shutil.copy(self.certificate, certificate)
        main = _MAIN.format(folder=self.folder, port=self.next_hop, certificate=certificate)
        (self.folder / "conf" / "main.cf").write_text(main)
        (self.folder / "conf" / "master.cf").write_text(_MASTER.format(listen=self.port))
        (self.folder / "passwords").write_text(f"[localhost]:{self.next_hop} {self.username}:{self.password}\n")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["/usr/sbin/postfix", "-c", str(self.folder / "conf"), "start-fg"],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            stop = ["/usr/sbin/postfix", "-c", str(self.folder / "conf"), "stop"]
            subprocess.run(stop, check=False, capture_output=True, timeout=30)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def log(self) -> Path:
        """What it said."""
        return self.folder / "log"
