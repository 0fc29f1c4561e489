"""Static routes are found by domain, suffix, or for all."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.relay.routes import Route, Routes


class RoutesTests(SynchronousTestCase):
    def find(self, domain: str, *domains: str) -> str | None:
        found = Routes.of(Route(domain=one, host=one) for one in domains).find(domain)
        return found.host if found else None

    def test_strength(self) -> None:
        """Exact is stronger than a suffix, the longer suffix than the shorter, C{*} takes the rest."""
        routes = ("*", "*.example.com", "*.b.example.com", "b.example.com", "Example.net.")
        self.assertEqual(self.find("b.example.com", *routes), "b.example.com")
        self.assertEqual(self.find("a.b.example.com", *routes), "*.b.example.com")
        self.assertEqual(self.find("x.example.com", *routes), "*.example.com")
        self.assertEqual(self.find("example.com", *routes), "*")
        self.assertEqual(self.find("example.net", *routes), "Example.net.")

    def test_none(self) -> None:
        """A domain without a route has none."""
        self.assertIsNone(self.find("example.com"))
        self.assertIsNone(self.find("example.com", "*.example.com", "xample.com"))

    def test_literal(self) -> None:
        """An address literal is matched whole, or by C{*}."""
        self.assertEqual(self.find("[192.0.2.1]", "[192.0.2.1]"), "[192.0.2.1]")
        self.assertIsNone(self.find("[192.0.2.1]", "*.0.2.1]"))
        self.assertEqual(self.find("[192.0.2.1]", "*"), "*")

    def test_first(self) -> None:
        """Of two routes for one domain, however it is written, the first holds."""
        routes = [Route(domain=domain, host=host) for domain, host in (("B.example.", "one"), ("b.example", "two"))]
        found = Routes.of(routes).find("b.example")
        self.assertEqual(found and found.host, "one")

    def test_password(self) -> None:
        """A password does not show."""
        self.assertNotIn("secret", repr(Route(domain="*", host="h", password="secret")))
