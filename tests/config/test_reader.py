"""What a correct configuration file becomes."""

from pathlib import PurePosixPath

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.config import RouteSettings, read_settings
from smtpeter.model.address import lookup_domain
from smtpeter.model.suppression import SuppressionReason
from tests.config.texts import FOLDER, faults, read


class ReadingTests(SynchronousTestCase):
    """What a correct file becomes."""

    def test_defaults(self) -> None:
        """A host name is enough; the defaults are those of the design."""
        found = read("")
        self.assertEqual(found.server.state_dir, FOLDER / "state")
        self.assertEqual(found.server.contact, "postmaster@mail.example.com")
        self.assertEqual(found.database.url, "sqlite:////etc/smtpeter/state/smtpeter.db")
        self.assertEqual(found.smtp.listen, ("tcp:25", "tcp:587", "tcp:2525"))
        self.assertEqual(found.smtp.listen_tls, ("tcp:465",))
        self.assertEqual((found.smtp.max_message_size, found.smtp.max_recipients), (26214400, 1000))
        self.assertEqual((found.smtp.bare_newline, found.smtp.greeting_delay), ("normalize", 0))
        self.assertEqual((found.smtp.max_connections, found.smtp.max_connections_per_address), (1000, 50))
        self.assertFalse(found.smtp.show_client_address)
        self.assertEqual(found.tls.certificate, FOLDER / "tls/cert.pem")
        self.assertEqual((found.tls.key, found.tls.folder), (FOLDER / "tls/key.pem", None))
        self.assertEqual((found.web.listen, found.web.listen_tls), (("tcp:8025",), ("tcp:8443",)))
        processing = found.processing
        self.assertEqual((processing.inliner, processing.workers, processing.timeout), ("premailer", 2, 5))
        self.assertEqual(processing.worker_memory, 268435456)
        self.assertEqual(found.submission.sender_domains, "required")
        self.assertEqual(
            {reason.value for reason in found.suppression.reasons}, {"hard_bounce", "complaint", "unsubscribe"}
        )
        relay = found.relay
        self.assertEqual((relay.port, relay.source_addresses, relay.max_age_hours), (25, (), 24))
        self.assertEqual((relay.allow_private, relay.routes, found.dns.servers), (False, (), ()))
        self.assertEqual(found.secrets.folder, FOLDER / "secrets")

    def test_suppression(self) -> None:
        """What puts addresses on the list is chosen; what an operator does by hand needs no leave."""
        some = read('[suppression]\nreasons = ["complaint"]\n').suppression
        self.assertEqual(some.reasons, frozenset((SuppressionReason.COMPLAINT,)))
        self.assertEqual(read("[suppression]\nreasons = []\n").suppression.reasons, frozenset())
        (fault,) = faults('[suppression]\nreasons = ["complaint", "manual"]\n')
        self.assertIn('[suppression] reasons 2 "manual" is not possible', str(fault))

    def test_derived(self) -> None:
        """Addresses that are not set follow the host name and the first listeners."""
        found = read('[web]\nlisten = ["tcp:80"]\nlisten_tls = ["tcp:9443:interface=127.0.0.1"]\n')
        self.assertEqual(found.tracking.url, "http://mail.example.com")
        self.assertEqual(found.web.public_url, "https://mail.example.com:9443")
        self.assertEqual(found.tracking.bounce_domain, "mail.example.com")
        plain = read("[web]\nlisten_tls = []\n")
        self.assertEqual(plain.web.public_url, "http://mail.example.com:8025")

    def test_newer_names(self) -> None:
        """A name that older rules map to another one stays itself, in the form in which the relay looks it up."""
        text = '[relay]\n[[relay.route]]\ndomain = "*.faß.example"\nhost = "βόλος.example"\n'
        (route,) = read(text).relay.routes
        self.assertEqual((route.domain, route.host), ("*.xn--fa-hia.example", "xn--nxasmm1c.example"))
        self.assertEqual(route.domain, f"*.{lookup_domain('faß.example')}")

    def test_normal_forms(self) -> None:
        """Names become A-labels in lower case, addresses and URLs their usual form."""
        found = read_settings(
            '[server]\nhostname = "Mail.Bücher.example."\ncontact = "Joe@Bücher.example"\n'
            '[tracking]\nurl = "https://Clicks.Example.com:443/"\nbounce_domain = "Bücher.example"\n'
            '[relay]\nsource_addresses = ["2001:DB8:0::1", "192.0.2.1"]\n'
            '[dns]\nservers = ["127.0.0.1:5353", "::1", "[::1]:54", "192.0.2.53"]\n',
            FOLDER,
        )
        self.assertEqual(found.server.hostname, "mail.xn--bcher-kva.example")
        self.assertEqual(found.server.contact, "Joe@xn--bcher-kva.example")
        self.assertEqual(found.tracking.url, "https://clicks.example.com")
        self.assertEqual(found.tracking.bounce_domain, "xn--bcher-kva.example")
        self.assertEqual(found.relay.source_addresses, ("2001:db8::1", "192.0.2.1"))
        self.assertEqual(found.dns.servers, (("127.0.0.1", 5353), ("::1", 53), ("::1", 54), ("192.0.2.53", 53)))

    def test_paths(self) -> None:
        """Relative paths start at the file's folder, absolute ones stay."""
        found = read(
            '[database]\nurl = "sqlite:////var/lib/x.db"\n[secrets]\nfolder = "/run/secrets"\n'
            '[tls]\ncertificate = "/a/c.pem"\nkey = "k.pem"\nfolder = "more"\n'
        )
        self.assertEqual(found.database.url, "sqlite:////var/lib/x.db")
        self.assertEqual(found.secrets.folder, PurePosixPath("/run/secrets"))
        self.assertEqual(found.tls.certificate, PurePosixPath("/a/c.pem"))
        self.assertEqual((found.tls.key, found.tls.folder), (FOLDER / "k.pem", FOLDER / "more"))

    def test_routes(self) -> None:
        """Each block is a route, with its defaults; a star stands for what lies below or for the rest."""
        found = read(
            '[[relay.route]]\nhost = "Smarthost"\n'
            '[[relay.route]]\ndomain = "*.Example.com"\nhost = "192.0.2.9"\nport = 587\ntls = "verify"\n'
            'username = "u"\npassword_file = "secrets/smarthost"\n'
        )
        first = RouteSettings(
            domain="*", host="smarthost", port=25, tls="opportunistic", username="", password_file=None
        )
        second = RouteSettings(
            domain="*.example.com",
            host="192.0.2.9",
            port=587,
            tls="verify",
            username="u",
            password_file=FOLDER / "secrets/smarthost",
        )
        self.assertEqual(found.relay.routes, (first, second))

    def test_password_is_not_shown(self) -> None:
        """The database's password stands in no repr and in no fault."""
        url = "postgresql+psycopg://peter:hush@db/smtpeter"
        self.assertEqual(read(f'[database]\nurl = "{url}"\n').database.url, url)
        self.assertNotIn("hush", repr(read(f'[database]\nurl = "{url}"\n')))
        (fault,) = faults('[database]\nurl = "mysql://peter:hush@db/smtpeter"\n')
        self.assertNotIn("hush", fault)
        self.assertIn("[database] url is neither an SQLite file nor a PostgreSQL database", fault)

    def test_certificate_may_be_missing(self) -> None:
        """Without a listener that needs a certificate there need be none."""
        quiet = '[smtp]\nlisten = []\nlisten_tls = []\n[web]\nlisten_tls = []\n[tls]\ncertificate = ""\nkey = ""\n'
        self.assertIsNone(read(quiet).tls.certificate)

    def test_endpoints(self) -> None:
        """All kinds that the server can listen on are taken as they are."""
        good = (
            "tcp:25",
            "tcp:0",
            "tcp:port=25:interface=127.0.0.1:backlog=10",
            r"tcp6:25:interface=2001\:db8\:\:1",
            "unix:/run/a.sock:mode=660",
            "systemd:domain=INET:name=smtp",
            "systemd:INET6:index=0",
        )
        for endpoint in good:
            self.assertEqual(read(f"[smtp]\nlisten = ['{endpoint}']\n").smtp.listen, (endpoint,))
