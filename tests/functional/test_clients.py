"""Programs that people send mail with on the command line, run for real; each checks the server's certificate."""

import subprocess
from pathlib import Path
from urllib.parse import quote

from twisted.trial.unittest import SkipTest

from tests.support.clients import BODY, MAIL, RECIPIENT, SENDER, TEXT, ClientCase, tool


class ClientTests(ClientCase):
    """Each hands in the same mail, which arrives unchanged but for the header."""

    def test_swaks(self) -> None:
        """swaks, AUTH PLAIN and LOGIN, over STARTTLS and over TLS."""
        common = (
            *(tool("swaks"), "--server", "localhost", "--from", SENDER, "--to", RECIPIENT),
            *("--auth-user", self.user, "--auth-password", self.password, "--data", f"@{self.mail}"),
            *("--tls-ca-path", str(self.it.certificate), "--tls-verify", "--suppress-data"),
        )
        printed = self.run_client(*common, "--port", str(self.it.smtp_port), "--tls", "--auth", "PLAIN")
        self.assertIn("250 2.0.0 Ok: queued as ", printed)
        self.run_client(*common, "--port", str(self.it.tls_port), "--tls-on-connect", "--auth", "LOGIN")
        self.assertEqual(len(self.sink.wait_for(2)), 2)

    def test_curl(self) -> None:
        """
        curl, with a file that has bare newlines, with and without C{--crlf}.

        Without it curl takes the file's last newline for no line end and adds one, so one line more arrives.
        """
        common = (
            *(tool("curl"), "--silent", "--show-error", "--ssl-reqd", "--cacert", str(self.it.certificate)),
            *("--url", f"smtp://localhost:{self.it.smtp_port}", "--user", f"{self.user}:{self.password}"),
            *("--mail-from", SENDER, "--mail-rcpt", RECIPIENT, "--upload-file", str(self.mail)),
        )
        self.run_client(*common)
        self.check(BODY + b"\r\n")
        self.sink.arrived.clear()
        self.run_client(*common, "--crlf")
        self.check()

    def test_msmtp(self) -> None:
        """msmtp, as sendmail for scripts."""
        config = self.it.folder / "msmtprc"
        config.write_text(
            f"account default\nhost localhost\nport {self.it.smtp_port}\ntls on\ntls_starttls on\n"
            f"tls_trust_file {self.it.certificate}\nauth on\nuser {self.user}\npassword {self.password}\n"
            f"from {SENDER}\n"
        )
        config.chmod(0o600)
        self.run_client(tool("msmtp"), "-C", str(config), RECIPIENT, stdin=MAIL.encode())
        self.check()

    def test_s_nail(self) -> None:
        """s-nail; in the address of the server the spaces of the password are C{%20}."""
        config = self.it.folder / "mailrc"
        config.write_text(
            f"set v15-compat\nset mta=smtp://{self.user}:{quote(self.password)}@localhost:{self.it.smtp_port}\n"
            f"set smtp-use-starttls smtp-auth=plain hostname=client.example\n"
            f"set tls-verify=strict\nset from={SENDER}\n"
        )

        def send(trusted: Path) -> "subprocess.CompletedProcess[bytes]":
            return self.attempt(
                *(tool("s-nail"), "-n", "-S", f"tls-ca-file={trusted}", "-S", "tls-ca-no-defaults"),
                *("-s", "hello", RECIPIENT),
                stdin=TEXT.encode(),
                environment={"MAILRC": str(config)},
            )

        self.check_trusting(send)

    def test_mutt(self) -> None:
        """mutt, as a script uses it."""
        config = self.it.folder / "muttrc"
        config.write_text(
            f'set smtp_url = "smtp://{self.user}@localhost:{self.it.smtp_port}/"\nset smtp_pass = "{self.password}"\n'
            f'set ssl_starttls = yes\nset ssl_force_tls = yes\nset smtp_authenticators = "plain"\n'
            f'set from = "{SENDER}"\nset use_from = yes\nset hostname = "client.example"\nset copy = no\n'
        )

        def send(trusted: Path) -> "subprocess.CompletedProcess[bytes]":
            return self.attempt(
                *(tool("mutt"), "-n", "-F", str(config), "-e", f'set certificate_file = "{trusted}"'),
                *("-s", "hello", RECIPIENT),
                stdin=TEXT.encode(),
            )

        self.check_trusting(send)

    def test_git_send_email(self) -> None:
        """C{git send-email}."""
        git = tool("git")
        if not Path(self.run_client(git, "--exec-path").strip(), "git-send-email").exists():
            packages = "git-email libauthen-sasl-perl libio-socket-ssl-perl"
            raise SkipTest(f"git send-email is not installed (Debian packages: {packages})")
        config = self.it.folder / ".gitconfig"
        config.write_text(
            f"[user]\nname = Ann\nemail = {SENDER}\n"
            f"[sendemail]\nsmtpServer = localhost\nsmtpServerPort = {self.it.smtp_port}\nsmtpEncryption = tls\n"
            f"smtpUser = {self.user}\nsmtpPass = {self.password}\nsmtpDomain = client.example\n"
            "suppressCc = self\nconfirm = never\n"
        )

        def send(trusted: Path) -> "subprocess.CompletedProcess[bytes]":
            return self.attempt(
                *(git, "-c", f"sendemail.smtpSslCertPath={trusted}", "send-email", "--to", RECIPIENT, str(self.mail)),
                environment={"GIT_CONFIG_GLOBAL": str(config)},
            )

        self.check_trusting(send)
