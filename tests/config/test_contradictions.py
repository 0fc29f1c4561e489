"""Keys that cannot be true together."""

from tests.config.texts import FaultTestCase, faults


class ContradictionTests(FaultTestCase):
    """Each is a fault of one of the keys."""

    def test_tls_contradictions(self) -> None:
        """A listener that needs a certificate does not go without; certificate and key go together."""
        found = faults('[tls]\ncertificate = ""\nkey = ""\n')
        self.assertEqual(
            [line.partition(" needs")[0] for line in found], ["[smtp] listen", "[smtp] listen_tls", "[web] listen_tls"]
        )
        self.check('[tls]\ncertificate = ""\n', "[tls] certificate", "belong together")

    def test_listener_contradictions(self) -> None:
        """An endpoint is opened once; port 0 is another one each time."""
        self.check('[smtp]\nlisten = ["tcp:465"]\n', "[smtp] listen_tls", "second time", "smtp.listen already")
        self.check('[web]\nlisten = ["tcp:25"]\n', "[web] listen", "tcp:25")
        zero = '[smtp]\nlisten = ["tcp:0", "tcp:0"]\n[web]\nlisten = ["tcp:0"]\n'
        self.assertEqual(faults(zero), [])

    def test_tracking_needs_an_address(self) -> None:
        """Without a plain web listener the address of links must be said."""
        self.check("[web]\nlisten = []\n", "[tracking] url")
        self.assertEqual(faults('[web]\nlisten = []\n[tracking]\nurl = "https://x.example"\n'), [])

    def test_route_contradictions(self) -> None:
        """A domain has one route; a password has a user name and does not go in clear."""
        route = '[[relay.route]]\nhost = "x"\n'
        self.check(route + route, "[relay.route 2] domain", "has a route already")
        self.check(route + 'username = "u"\n', "password_file", "belong together")
        self.check(route + 'password_file = "f"\n', "username", "belong together")
        self.check(route + 'username = "u"\npassword_file = "f"\ntls = "none"\n', "tls", "in clear")

    def test_no_false_contradiction(self) -> None:
        """A key that is wrong by itself is not blamed for the default that stands in for it."""
        route = '[[relay.route]]\nhost = "x"\nusername = "u"\npassword_file = 3\n'
        self.check(route, "password_file 3 is no text")

    def test_retention(self) -> None:
        """A content is not kept longer than the message that leads to it."""
        self.check("[retention]\ncontent_days = 401\n", "[retention] content_days is larger than events_days")
        self.assertEqual(faults("[retention]\ncontent_days = 400\n"), [])
