"""Faults of single values: names, addresses, endpoints."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.config.texts import MINIMAL, FaultTestCase, faults


class ValueTests(FaultTestCase):
    """Wrong values, one at a time."""

    def test_host_names(self) -> None:
        """A host name is a name: no scheme, port, address, space or empty label."""
        for wrong in ("", "http://x", "a b", "a..b", "x:25", "192.0.2.1", "::1", "-a.example", "a" * 64, "ü" * 300):
            self.assertEqual(len(faults("", f'[server]\nhostname = "{wrong}"\n')), 1, wrong)

    def test_urls(self) -> None:
        """A base address has scheme, host and perhaps port; a path, query, fragment or user is refused."""
        for wrong in (
            "clicks.example.com",
            "ftp://x.example",
            "https://",
            "https://x.example/path",
            "https://x.example?",
            "https://x.example#f",
            "https://user@x.example",
            "https://x.example:99999",
            "https://[::1",
        ):
            self.check(f'[tracking]\nurl = "{wrong}"\n', "[tracking] url", "scheme and host only")

    def test_wrong_endpoints(self) -> None:
        """An endpoint string that Twisted or we cannot use is refused, with its place in the list."""
        for wrong in (
            "25",
            "",
            "tcp",
            "tcp:",
            "tcp:x",
            "tcp:70000",
            "tcp:-1",
            "tcp:25:127.0.0.1",
            "tcp:25:interfaces=127.0.0.1",
            "tcp:25:interface=eth0",
            "tcp6:25:interface=::1",
            "unix:",
            "systemd:",
            "systemd:domain=INET",
            "ssl:465",
            "haproxy:tcp:25",
        ):
            self.check(f'[smtp]\nlisten = ["tcp:587", "{wrong}"]\n', "[smtp] listen 2", "; ")

    def test_other_values(self) -> None:
        """Addresses, name servers and mailboxes are checked."""
        self.check('[relay]\nsource_addresses = ["eth0"]\n', "[relay] source_addresses 1", "no IP address")
        for wrong in ("dns.example", "127.0.0.1:0", "127.0.0.1:x", "[::1]:70000", "1.2.3.4:5:6"):
            self.check(f'[dns]\nservers = ["{wrong}"]\n', "[dns] servers 1", "no IP address of a name server")
        for wrong in ("proxy.example", "192.0.2.1/24", "192.0.2.0/33"):
            self.check(f'[web]\ntrusted_proxies = ["{wrong}"]\n', "[web] trusted_proxies 1", "range")
        for wrong in ("joe", "joe@", "@x.example", "a@b@c", "a b@x.example", "Joe <joe@x.example>"):
            self.assertEqual(len(faults("", f'{MINIMAL}contact = "{wrong}"\n')), 1, wrong)

    def test_databases(self) -> None:
        """A database in memory would not be shared with the command line."""
        for wrong in ("sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///a?b=c", "postgresql://x/y", "x"):
            self.check(f'[database]\nurl = "{wrong}"\n', "[database] url", "sqlite:///state/smtpeter.db")

    @settings(max_examples=60)
    @given(st.text(max_size=60))
    def test_any_value(self, text: str) -> None:
        """Whatever a text value holds, the answer is settings or faults, never another exception."""
        quoted = "".join(f"\\U{ord(one):08x}" for one in text if not 0xD800 <= ord(one) < 0xE000)
        for place in (
            f'[server]\nhostname = "{quoted}"\n',
            f'{MINIMAL}contact = "{quoted}"\n',
            f'{MINIMAL}[smtp]\nlisten = ["{quoted}", "tcp:{quoted}"]\n',
            f'{MINIMAL}[tracking]\nurl = "{quoted}"\n[web]\npublic_url = "http://{quoted}"\n',
            f'{MINIMAL}[dns]\nservers = ["{quoted}"]\n[database]\nurl = "{quoted}"\n',
            f'{MINIMAL}"{quoted}" = 1\n["s{quoted}"]\n',
        ):
            for fault in faults(place, ""):
                self.assertIn("; ", fault)
