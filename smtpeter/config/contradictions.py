"""Finds keys of a configuration that cannot be true together, or not here (pure)."""

from collections.abc import Collection

from smtpeter.config.document import Document, RouteSection
from smtpeter.config.faults import Fault


def contradictions(document: Document, missing: Collection[str]) -> list[Fault]:
    """
    All of them, in the order of the file's sections.

    @param missing: values that ask for what is not installed.
    """
    return [
        *_certificate(document),
        *_listeners(document),
        *_web(document),
        *_inliner(document, missing),
        *_routes(document.relay.route),
        *_retention(document),
    ]


def _certificate(document: Document) -> list[Fault]:
    tls = document.tls
    if bool(tls.certificate) != bool(tls.key):
        missing = "key" if tls.certificate else "certificate"
        return [_fault("tls", missing, "is empty", "certificate and key belong together: set both or none")]
    if tls.certificate:
        return []
    users = [
        (section, key)
        for section, key, listen in _listen_keys(document)
        if listen and (section == "smtp" or key == "listen_tls")
    ]
    remedy = "set tls.certificate and tls.key, or write [] to listen nowhere"
    return [_fault(section, key, "needs a certificate and there is none", remedy) for section, key in users]


def _listen_keys(document: Document) -> list[tuple[str, str, list[str]]]:
    smtp, web = document.smtp, document.web
    return [
        ("smtp", "listen", smtp.listen),
        ("smtp", "listen_tls", smtp.listen_tls),
        ("web", "listen", web.listen),
        ("web", "listen_tls", web.listen_tls),
        ("metrics", "listen", document.metrics.listen),
    ]


def _listeners(document: Document) -> list[Fault]:
    """An endpoint can be opened once; port 0 is a different one each time."""
    faults: list[Fault] = []
    seen: dict[str, str] = {}
    for section, key, listen in _listen_keys(document):
        for endpoint in listen:
            if endpoint in seen and not endpoint.startswith(("tcp:0", "tcp6:0")):
                faults.append(
                    _fault(section, key, f"has {endpoint} a second time", f"it is in {seen[endpoint]} already")
                )
            seen.setdefault(endpoint, f"{section}.{key}")
    return faults


def _web(document: Document) -> list[Fault]:
    if document.web.listen or document.tracking.url:
        return []
    problem = "is not set and web.listen is empty"
    return [_fault("tracking", "url", problem, "write the address under which the web server is reached")]


def _inliner(document: Document, missing: Collection[str]) -> list[Fault]:
    name = document.processing.inliner
    if name not in missing:
        return []
    remedy = "install it with pip install 'smtpeter[fast]', or write \"premailer\""
    return [_fault("processing", "inliner", f'"{name}" is not installed', remedy)]


def _retention(document: Document) -> list[Fault]:
    days, faults = document.retention, []
    if days.content_days > days.events_days:
        remedy = "a content is found by its message: make events_days at least as large"
        faults.append(_fault("retention", "content_days", "is larger than events_days", remedy))
    if days.content_days > days.images_days:
        remedy = "mail would be kept that lacks its images: make images_days at least as large"
        faults.append(_fault("retention", "content_days", "is larger than images_days", remedy))
    return faults


def _routes(routes: list[RouteSection]) -> list[Fault]:
    faults: list[Fault] = []
    domains: set[str] = set()
    for number, route in enumerate(routes, start=1):
        section = f"relay.route {number}"
        if route.domain in domains:
            faults.append(_fault(section, "domain", f"{route.domain} has a route already", "remove one of them"))
        domains.add(route.domain)
        faults += _route_login(section, route)
    return faults


def _route_login(section: str, route: RouteSection) -> list[Fault]:
    if bool(route.username) != bool(route.password_file):
        missing = "password_file" if route.username else "username"
        return [_fault(section, missing, "is not set", "username and password_file belong together: set both or none")]
    if route.username and route.tls == "none":
        remedy = 'write "require" or "verify", or remove username and password_file'
        return [_fault(section, "tls", "is none, so that the password would go in clear", remedy)]
    return []


def _fault(section: str, key: str, problem: str, remedy: str) -> Fault:
    return Fault(section=section, key=key, problem=problem, remedy=remedy)
