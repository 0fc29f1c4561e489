"""The programs that run the server: twist, twistd in the foreground and in the background; and the signals they get."""

import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from smtpeter.tls.selfsigned import KeyPair, make_self_signed
from tests.support.installation import ENVIRONMENT, TWIST, TWISTD, Installation
from tests.support.sink import Sink
from tests.support.wire import Wire

MAIL = b"From: a@shop.example\r\nContent-Type: text/html\r\n\r\n<style>p{color:red}</style><p>x</p>\r\n"
LOW_PORTS = range(200, 1000)


def send(it: Installation, login: tuple[str, str]) -> None:
    """Hand a mail in."""
    with smtplib.SMTP("localhost", it.smtp_port, timeout=20) as client:
        client.starttls(context=ssl.create_default_context(cafile=str(it.certificate)))
        client.login(*login)
        client.sendmail("a@shop.example", ["b@y.example"], MAIL)


class TwistTests(SynchronousTestCase):
    """C{twist smtpeter}, which is C{python -m twisted smtpeter}."""

    def test_serves(self) -> None:
        """It binds the ports, takes and delivers mail, and ends in order."""
        with Sink() as sink, Installation(sink.port, program=TWIST) as it:
            send(it, it.sender("shop.example"))
            sink.wait_for(1)
            with Wire(it.tls_port, certificate=it.certificate, is_tls=True) as wire:
                self.assertEqual(wire.reply()[:4], b"220 ")
            it.stop()

    def test_port_in_use(self) -> None:
        """A port that another program has is told with what to do, without a traceback."""
        with socket.socket() as other, Installation(1, is_started=False) as it:
            other.bind(("127.0.0.1", it.smtp_port))
            other.listen()
            done = subprocess.run(
                [*TWIST, "smtpeter", "--config", str(it.config)],
                check=False,
                cwd=it.folder,
                env=ENVIRONMENT,
                capture_output=True,
                text=True,
                timeout=60,
            )
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 1, said)
        self.assertIn("another program listens there", said)
        self.assertNotIn("Traceback", said)


class BackgroundTests(SynchronousTestCase):
    """C{twistd} without C{-n}."""

    def test_background(self) -> None:
        """
        It goes to the background, wherever that is, with a configuration that was named by a relative path; threads and
        processes that prepare mail work there.
        """
        with Sink() as sink, Installation(sink.port, is_started=False) as it:
            pidfile, log = it.folder / "pid", it.folder / "log"
            config = str(it.config.relative_to(it.folder))
            subprocess.run(
                [*TWISTD, "--rundir=/", f"--pidfile={pidfile}", f"--logfile={log}", "smtpeter", "--config", config],
                check=True,
                cwd=it.folder,
                env=ENVIRONMENT,
                timeout=60,
            )
            with background(it, pidfile):
                send(it, it.sender("shop.example", "--inlinecss"))
                (arrived,) = sink.wait_for(1)
                self.assertIn(b'<p style="color:red">', arrived.content)
                self.assertEqual((it.config.parent / "state" / "smtpeter.db").stat().st_mode & 0o077, 0)
            self.assertNotIn("Traceback", log.read_text())
            self.assertRegex(log.read_text(), r"(?m)stopped$")


@contextmanager
def background(it: Installation, pidfile: Path) -> Iterator[None]:
    """With the server that wrote its number there, once it is ready; then it is told to end, and must."""
    pid = int(until(pidfile.read_text))
    try:
        until(lambda: urllib.request.urlopen(f"http://localhost:{it.web_port}/readyz", timeout=5).read().decode())
        yield
        os.kill(pid, signal.SIGTERM)
        until(lambda: "" if pidfile.exists() else "gone")
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise


def until(said: Callable[[], str], seconds: float = 30) -> str:
    """What is said as soon as something is."""
    end = time.monotonic() + seconds
    while True:
        try:
            if text := said().strip():
                return text
        except OSError:
            if time.monotonic() > end:
                raise
        assert time.monotonic() < end, f"nothing came in {seconds} s"
        time.sleep(0.05)


class LowPortTests(SynchronousTestCase):
    """Ports below 1024, for which the system asks for root."""

    def test_low_ports(self) -> None:
        """They are bound as root, and answered by whom the server becomes: STARTTLS, TLS and the web."""
        if os.geteuid() != 0:
            raise SkipTest("only root can bind them")
        with Installation(1, is_started=False) as it:
            it.smtp_port, it.tls_port, it.web_port = self.move(it)
            for folder, _, files in os.walk(it.folder):
                for name in (folder, *(os.path.join(folder, file) for file in files)):
                    os.chown(name, 65534, 65534)
            it.folder.chmod(0o755)
            it.program = (*TWISTD, "-n", "--pidfile=", "--uid=65534", "--gid=65534")
            it.start()
            assert it.process is not None
            status = Path(f"/proc/{it.process.pid}/status").read_text()
            self.assertIn("Uid:\t65534\t65534\t65534\t65534", status)
            with Wire(it.smtp_port, certificate=it.certificate) as wire:
                wire.reply()
                self.assertIn(b"STARTTLS", wire.say(b"EHLO x\r\n"))
                wire.say(b"STARTTLS\r\n")
                wire.handshake()
                self.assertIn(b"AUTH", wire.say(b"EHLO x\r\n"))
            with Wire(it.tls_port, certificate=it.certificate, is_tls=True) as wire:
                self.assertEqual(wire.reply()[:4], b"220 ")
            it.stop()

    def move(self, it: Installation) -> list[int]:
        """Have it listen on low ports that are free."""
        text, ports = it.config.read_text(), []
        for port in LOW_PORTS:
            with socket.socket() as trial:
                try:
                    trial.bind(("127.0.0.1", port))
                except OSError:
                    continue
            ports.append(port)
        for old, new in zip((it.smtp_port, it.tls_port, it.web_port), ports, strict=False):
            text = text.replace(f":{old}", f":{new}")
        it.config.write_text(text)
        return ports[:3]


class SocketTests(SynchronousTestCase):
    """Sockets that somebody else has opened, and sockets that are files."""

    ACTIVATE = (
        "import os, socket, sys; it = socket.create_server(('127.0.0.1', int(sys.argv[1]))); os.dup2(it.fileno(), 3);"
        "os.set_inheritable(3, True); os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1',"
        "LISTEN_FDNAMES='smtp'); os.execv(sys.argv[2], sys.argv[2:])"
    )
    """What systemd does for a socket unit."""

    def test_activation(self) -> None:
        """It listens on a socket of systemd, named as in the documents, and on a file with the mode that was said."""
        with Sink() as sink, Installation(sink.port, is_started=False) as it:
            file = it.folder / "socket"
            text = it.config.read_text()
            endpoints = f'["systemd:domain=INET:name=smtp", "unix:{file}:mode=660"]'
            it.config.write_text(text.replace(f'["tcp:{it.smtp_port}:interface=127.0.0.1"]', endpoints))
            it.wrapper = (sys.executable, "-c", self.ACTIVATE, str(it.smtp_port))
            it.start()
            send(it, it.sender("shop.example"))
            sink.wait_for(1)
            self.assertEqual(file.stat().st_mode & 0o777, 0o660)
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(20)
                link.connect(str(file))
                self.assertEqual(link.recv(100), b"220 localhost ESMTP SMTPeter\r\n")
                link.sendall(b"EHLO x\r\nQUIT\r\n")
                self.assertIn(b"STARTTLS", b"".join(iter(lambda: link.recv(1000), b"")))
            it.stop()


class ReloadTests(SynchronousTestCase):
    """SIGHUP."""

    def test_new_certificate(self) -> None:
        """
        From SIGHUP on new sessions get the new certificate, by STARTTLS and by TLS; a session that is open goes on.
        Files that cannot be used change nothing, and the log says why.
        """
        with Installation(1) as it:
            first = it.certificate.read_bytes()
            with self.session(it) as open_session:
                second = self.renew(it)
                self.assertNotEqual(first, second)
                self.hang_up(it, "certificates loaded from")
                self.assertEqual(self.shown(it), {second})
                self.assertEqual(open_session.say(b"NOOP\r\n")[:4], b"250 ")
            it.certificate.write_bytes(first)
            self.hang_up(it, "the old certificates stay in use")
            self.assertEqual(self.shown(it), {second})
            it.stop()

    def session(self, it: Installation) -> Wire:
        """One inside TLS."""
        wire = Wire(it.tls_port, certificate=it.certificate, is_tls=True)
        wire.reply()
        return wire

    def renew(self, it: Installation) -> bytes:
        """Put another pair in place."""
        pair: KeyPair = make_self_signed("localhost", time.time(), os.urandom)
        it.certificate.write_bytes(pair.certificate)
        it.certificate.with_name("key.pem").write_bytes(pair.key)
        return pair.certificate

    def hang_up(self, it: Installation, word: str) -> None:
        """Send SIGHUP and wait for what the log says to it."""
        assert it.process is not None
        it.process.send_signal(signal.SIGHUP)
        until(lambda: word if word in it.log.read_text() else "")

    def shown(self, it: Installation) -> set[bytes]:
        """The certificates that new sessions see."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with smtplib.SMTP("localhost", it.smtp_port, timeout=20) as client:
            client.starttls(context=context)
            assert isinstance(client.sock, ssl.SSLSocket)
            found = {client.sock.getpeercert(True)}
        with smtplib.SMTP_SSL("localhost", it.tls_port, timeout=20, context=context) as client:
            assert isinstance(client.sock, ssl.SSLSocket)
            found.add(client.sock.getpeercert(True))
        return {ssl.DER_cert_to_PEM_cert(one or b"").encode() for one in found}
