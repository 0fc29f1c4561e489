"""
Finds the static route of a domain: a smart host, or a fixed next hop (configuration: C{[[relay.route]]}).

An exact domain is stronger than C{*.example.com}, which means its subdomains at any depth; the longer suffix is
stronger than the shorter, and C{*} takes the rest.
"""

from collections.abc import Iterable
from typing import Literal

from attrs import define, field, frozen

TLSMode = Literal["none", "opportunistic", "require", "verify"]
"""
Never; when offered, with any certificate, else in clear; always, with any certificate; always, with a certificate of
that name from a trusted authority.
"""


@frozen(kw_only=True)
class Route:
    """Where mail for a domain goes instead of to its MX."""

    domain: str
    """A-labels, C{*.} and a suffix, or C{*}."""
    host: str
    """A host name or an IP address, private ones too."""
    port: int = 25
    tls: TLSMode = "opportunistic"
    username: str = ""
    """Empty: no AUTH."""
    password: str = field(default="", repr=False)


@define(eq=False)
class Routes:
    """All routes, found by name and not by search."""

    _by_domain: dict[str, Route]

    @classmethod
    def of(cls, routes: Iterable[Route]) -> "Routes":
        """The first route of several for one domain holds."""
        by_domain: dict[str, Route] = {}
        for route in routes:
            by_domain.setdefault(route.domain.lower().rstrip("."), route)
        return cls(by_domain)

    def find(self, domain: str) -> Route | None:
        """
        The route of a domain.

        @param domain: A-labels in lower case, or an address literal in brackets.
        """
        if not self._by_domain:
            return None
        if (exact := self._by_domain.get(domain)) is not None:
            return exact
        suffix = "" if domain.startswith("[") else domain
        while suffix:
            suffix = suffix.partition(".")[2]
            if suffix and (wildcard := self._by_domain.get("*." + suffix)) is not None:
                return wildcard
        return self._by_domain.get("*")
