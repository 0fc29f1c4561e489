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
        self.check('[smtp]\nlisten = 3\nlisten_tls = ["tcp:25"]\n', "[smtp] listen 3 is no list")
        self.check("[web]\nlisten = [3]\n", "[web] listen 1 3 is no text")
        self.check('[retention]\nevents_days = "x"\ncontent_days = 500\n', "[retention] events_days")
        wrong, other = '[[relay.route]]\nhost = "x"\ndomain = 3\n', '[[relay.route]]\nhost = "x"\n'
        self.check(wrong + other, "[relay.route 1] domain 3 is no text")
        self.assertEqual(len(faults(wrong + wrong)), 2)
        self.check('[smtp]\nlisten_tls = 3\n[web]\nlisten = ["tcp:465"]\n', "[smtp] listen_tls 3 is no list")
        found = faults('[dns]\nlisten = ["tcp:25"]\n[tls]\nkey = ""\n')
        self.assertEqual([line.partition(" is ")[0] for line in found], ["[dns] listen", "[tls] key"])

    def test_retention(self) -> None:
        """A content is not kept longer than the message that leads to it."""
        self.check("[retention]\ncontent_days = 401\n", "[retention] content_days is larger than events_days")
        self.assertEqual(faults("[retention]\ncontent_days = 400\n"), [])
        self.check(
            "[retention]\ncontent_days = 31\nimages_days = 30\n", "[retention] content_days is larger than images_days"
        )
        self.assertEqual(faults("[retention]\ncontent_days = 30\nimages_days = 30\n"), [])
