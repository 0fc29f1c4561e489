"""C{smtpeter check}: what it looks at, and what it thinks of it."""

import errno
import socket
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from threading import Thread

from attrs import define
from twisted.names import dns
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.cli.dns_examination import examine_dns
from smtpeter.cli.examination import bind_once, examine_certificates, examine_ports, examine_secrets, examine_state
from smtpeter.cli.findings import Finding
from smtpeter.cli.lookup import Lookup, NoAnswer, system_servers
from smtpeter.config import Settings, read_settings
from smtpeter.tls.selfsigned import make_self_signed
from tests.cli.installed import Installed

DAY = 86400.0
NOW = 1_790_000_000.0


def configured(text: str = "", folder: Path | None = None) -> Settings:
    """Settings of mail.example.com."""
    return read_settings(f'[server]\nhostname = "mail.example.com"\n{text}', folder or PurePath("/nowhere"))


class CommandTests(SynchronousTestCase):
    """The command."""

    def test_new_installation(self) -> None:
        """A new installation has nothing wrong but a certificate that nobody trusts; listeners are looked at."""
        it = Installed(self.mktemp())
        text = it.config.read_text()
        for key in ("listen", "listen_tls"):
            text = text.replace(f"#{key} = [", f'{key} = ["tcp:0:interface=127.0.0.1"] #', 2)
        it.config.write_text(text)
        found = it.records("check", "--no-dns")
        self.assertEqual(
            [(one["level"], one["subject"]) for one in found],
            [
                ("ok", "configuration"),
                ("ok", "state"),
                ("ok", "database"),
                ("ok", "secrets"),
                ("warning", "certificate"),
                *[("ok", "tcp:0:interface=127.0.0.1")] * 4,
            ],
        )

    def test_faults(self) -> None:
        """Each fault of the configuration is a finding, and the exit code says that something is wrong."""
        it = Installed(self.mktemp())
        it.config.write_text("[server]\nhostname = 5\nx = 3\n")
        result = it.call("check", "--no-dns")
        self.assertEqual(result.exit_code, 1)
        self.assertEqual(
            [line.split(" is ")[0] for line in result.stdout.splitlines()],
            ["error    configuration: [server] hostname 5", "error    configuration: [server] x"],
        )

    def test_goes_on(self) -> None:
        """One thing that is wrong does not hide the next."""
        it = Installed(self.mktemp())
        (it.folder / "state" / "smtpeter.db").unlink()
        (it.folder / "secrets" / "mac-0.key").unlink()
        (it.folder / "tls" / "key.pem").unlink()
        result = it.call("check", "--no-dns")
        self.assertEqual(result.exit_code, 1)
        for subject in ("database", "secrets", "certificate"):
            self.assertRegex(result.stdout, rf"(?m)^error +{subject}: ")


class FileTests(SynchronousTestCase):
    """State, keys and certificates."""

    @override
    def setUp(self) -> None:
        self.it = Installed(self.mktemp())

    def only(self, findings: list[Finding]) -> Finding:
        """The one that is not good."""
        (found,) = [one for one in findings if one.level != "ok"]
        return found

    def certificate(self, name: str = "mail.example.com", ends_in_days: float = 100) -> Finding:
        """What is thought of a self-signed certificate."""
        made_at = NOW + (ends_in_days - 3650) * DAY
        pair = make_self_signed(name, made_at, bytes)
        (self.it.folder / "tls" / "cert.pem").write_bytes(pair.certificate)
        (self.it.folder / "tls" / "key.pem").write_bytes(pair.key)
        return next(examine_certificates(self.it.settings, NOW))

    def test_no_state(self) -> None:
        """A missing folder of state is told."""
        self.assertIn("no folder", self.only(list(examine_state(configured()))).text)

    def test_shared_keys(self) -> None:
        """Keys that the group may read are pointed out; keys for everybody are wrong."""
        key = self.it.folder / "secrets" / "mac-0.key"
        key.chmod(0o640)
        self.assertEqual(self.only(list(examine_secrets(self.it.settings))).level, "warning")
        key.chmod(0o644)
        self.assertEqual(self.only(list(examine_secrets(self.it.settings))).level, "error")

    def test_passwords_of_routes(self) -> None:
        """A password file that is not there is told with its route."""
        route = '[[relay.route]]\nhost = "x"\nusername = "u"\npassword_file = "nothing"\n'
        settings = configured(route, self.it.folder)
        self.assertEqual(self.only(list(examine_secrets(settings))).subject, "route *")

    def test_certificate(self) -> None:
        """Ended, soon ending, not yet begun, for another name, and merely self-signed are told apart."""
        self.assertIn("self-signed", self.certificate().text)
        self.assertEqual(self.certificate(ends_in_days=-1).level, "error")
        self.assertIn("ends on", self.certificate(ends_in_days=20).text)
        self.assertIn("not valid yet", self.certificate(ends_in_days=3652).text)
        other = self.certificate("other.example")
        self.assertEqual(other.level, "warning")
        self.assertIn("is for other.example, not for mail.example.com", other.text)

    def test_star(self) -> None:
        """A star stands for one label."""
        self.assertIn("self-signed", self.certificate("*.example.com").text)
        self.assertIn("is for", self.certificate("*.mail.example.com").text)


class PortTests(SynchronousTestCase):
    """Whether the server could listen."""

    def levels(self, bind: Callable[[str, int], None], text: str = "") -> dict[str, str]:
        """What is thought of each endpoint."""
        return {one.subject: one.level for one in examine_ports(configured(text), bind)}

    def test_each(self) -> None:
        """Ports in use and ports without a right are advised on, addresses that are not ours are wrong."""
        codes = {25: errno.EADDRINUSE, 465: errno.EACCES, 8025: errno.EADDRNOTAVAIL}

        def bind(address: str, port: int) -> None:
            if port in codes:
                raise OSError(codes[port], "no")

        found = self.levels(bind)
        self.assertEqual([found[f"tcp:{port}"] for port in (25, 465, 8025, 587)], ["warning", "warning", "error", "ok"])

    def test_where(self) -> None:
        """The interface and the family are those of the endpoint; what is no port is not tried; sources are."""
        tried: list[tuple[str, int]] = []
        self.levels(
            lambda address, port: tried.append((address, port)),
            "[smtp]\nlisten = ['tcp:25:interface=192.0.2.1', 'tcp6:26', 'unix:/run/x']\nlisten_tls = []\n"
            "[web]\nlisten_tls = []\n[relay]\nsource_addresses = ['192.0.2.7']\n",
        )
        self.assertEqual(tried, [("192.0.2.1", 25), ("::", 26), ("0.0.0.0", 8025), ("192.0.2.7", 0)])

    def test_for_real(self) -> None:
        """A port that somebody listens on is in use, and free again afterwards."""
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen(1)
            port = listening.getsockname()[1]
            failure = self.assertRaises(OSError, bind_once, "127.0.0.1", port)
            self.assertEqual(failure.errno, errno.EADDRINUSE)
        bind_once("127.0.0.1", port)


@define
class Zone:
    """Names with their addresses and MX hosts."""

    known: Mapping[str, list[str]]
    mail: Mapping[str, list[str]]

    def addresses(self, name: str) -> list[str]:
        """IPv4 and IPv6 addresses."""
        return self.known.get(name, [])

    def mail_hosts(self, name: str) -> list[str]:
        """MX hosts."""
        return self.mail.get(name, [])


OURS = {"mail.example.com": ["192.0.2.1"], "clicks.example.com": ["192.0.2.1"], "other.example": ["192.0.2.9"]}
TRACKING = '[tracking]\nurl = "https://clicks.example.com"\nbounce_domain = "bounces.example.com"\n'


class NameTests(SynchronousTestCase):
    """What is thought of the names."""

    def levels(self, zone: Zone, text: str = TRACKING) -> list[str]:
        """In order: host name, tracking, bounces."""
        return [one.level for one in examine_dns(configured(text), zone)]

    def test_good(self) -> None:
        """Addresses, and an MX that is the host name or has its address."""
        for host in ("mail.example.com", "clicks.example.com"):
            self.assertEqual(self.levels(Zone(OURS, {"bounces.example.com": [host]})), ["ok"] * 3)

    def test_nothing(self) -> None:
        """Names that do not exist are advised on."""
        self.assertEqual(self.levels(Zone({}, {})), ["warning"] * 3)

    def test_bounces_elsewhere(self) -> None:
        """An MX that leads to another server is pointed out."""
        self.assertEqual(self.levels(Zone(OURS, {"bounces.example.com": ["other.example"]}))[-1], "warning")

    def test_bounces_by_address(self) -> None:
        """Without MX the address counts (RFC 5321, 5.1); the host name needs none of its own."""
        both = {**OURS, "bounces.example.com": ["192.0.2.1"]}
        self.assertEqual(self.levels(Zone(both, {}))[-1], "ok")
        self.assertEqual(self.levels(Zone({**OURS, "bounces.example.com": ["192.0.2.9"]}, {}))[-1], "warning")
        self.assertEqual(self.levels(Zone(OURS, {}), ""), ["ok", "ok"])

    def test_no_answer(self) -> None:
        """Without DNS there is one line about that."""
        nobody = Lookup([("127.0.0.1", 1)], 0.2)
        (finding,) = examine_dns(configured(TRACKING), nobody)
        self.assertEqual((finding.level, finding.subject), ("warning", "DNS"))


class LookupTests(SynchronousTestCase):
    """Questions over UDP, to a server in a thread of the test."""

    def ask(self, answers: list[dns.RRHeader], code: int = dns.OK, id_shift: int = 0) -> Lookup:
        """A lookup whose server gives these answers to every question."""
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 0))
        server.settimeout(2)
        self.addCleanup(server.close)

        def serve() -> None:
            for _ in range(2):
                try:
                    raw, peer = server.recvfrom(512)
                except OSError:
                    return
                asked = dns.Message()
                asked.fromStr(raw)
                message = dns.Message(id=asked.id + id_shift & 0xFFFF, answer=1, rCode=code)
                message.queries = asked.queries
                message.answers = [one for one in answers if one.type in (asked.queries[0].type, dns.CNAME)]
                server.sendto(message.toStr(), peer)

        Thread(target=serve, daemon=True).start()
        return Lookup([server.getsockname()], 1.0)

    def test_addresses(self) -> None:
        """Both families; the CNAME that leads there is no address."""
        lookup = self.ask(
            [
                dns.RRHeader("a.example", dns.CNAME, payload=dns.Record_CNAME("b.example")),
                dns.RRHeader("b.example", dns.A, payload=dns.Record_A("192.0.2.1")),
                dns.RRHeader("b.example", dns.AAAA, payload=dns.Record_AAAA("2001:db8::1")),
            ]
        )
        self.assertEqual(lookup.addresses("a.example"), ["192.0.2.1", "2001:db8::1"])

    def test_mail_hosts(self) -> None:
        """In order of preference, in lower case."""
        lookup = self.ask(
            [
                dns.RRHeader("a.example", dns.MX, payload=dns.Record_MX(20, "b.example")),
                dns.RRHeader("a.example", dns.MX, payload=dns.Record_MX(10, "C.example")),
            ]
        )
        self.assertEqual(lookup.mail_hosts("a.example"), ["c.example", "b.example"])

    def test_no_such_name(self) -> None:
        """A name that does not exist has no addresses."""
        self.assertEqual(self.ask([], dns.ENAME).addresses("a.example"), [])

    def test_trouble(self) -> None:
        """A server's failure, an answer to another question and silence are no answer."""
        self.assertRaises(NoAnswer, self.ask([], dns.ESERVER).mail_hosts, "a.example")
        self.assertRaises(NoAnswer, self.ask([], id_shift=1).mail_hosts, "a.example")
        self.assertRaises(NoAnswer, Lookup([], 1.0).mail_hosts, "a.example")

    def test_system_servers(self) -> None:
        """Those of resolv.conf; without the file, this machine."""
        path = Path(self.mktemp())
        self.assertEqual(system_servers(path), [("127.0.0.1", 53)])
        path.write_text("# nameserver 1.1.1.1\nsearch x\nnameserver 192.0.2.1\n nameserver 2001:db8::1\n")
        self.assertEqual(system_servers(path), [("192.0.2.1", 53), ("2001:db8::1", 53)])
