"""
Checks of single values: host names, addresses, URLs, endpoint strings.

Each takes what the file says and answers it in the form that the program uses, or raises L{WrongValue}. Nothing is
looked up and nothing is opened.
"""

import re
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from smtpeter.config.faults import WrongValue
from smtpeter.model.address import AddressError, lookup_domain

SQLITE = "sqlite:///"
"""What stands in front of the path of an SQLite file."""

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?P<domain>[^@\s]+)")
_ENDPOINT_EXAMPLE = 'write for example "tcp:587" or "tcp:587:interface=127.0.0.1"'

_ENDPOINT_OPTIONS = {
    "tcp": {"port", "interface", "backlog"},
    "tcp6": {"port", "interface", "backlog"},
    "unix": {"address", "mode", "backlog", "lockfile"},
    "systemd": {"domain", "index", "name"},
}
_FIRST_ARGUMENT = {"tcp": "port", "tcp6": "port", "unix": "address", "systemd": "domain"}


def host_name(text: str) -> str:
    """A host or domain name as A-labels in lower case, without a dot at the end."""
    name = text.lower().removesuffix(".")
    if not name.isascii():
        try:
            name = lookup_domain(name)
        except AddressError:
            raise WrongValue("is no valid international name", "check its spelling") from None
    if not name or len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise WrongValue("is no host name", 'write a name such as "mail.example.com", without scheme, port or path')
    if is_address(name):
        raise WrongValue("is an IP address", "write a name that leads to it in DNS")
    return name


def is_address(text: str) -> bool:
    """Whether the text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def host(text: str) -> str:
    """A host name or an IP address."""
    return str(ip_address(text)) if is_address(text) else host_name(text)


def address(text: str) -> str:
    """An IP address in its usual form."""
    if not is_address(text):
        raise WrongValue("is no IP address", 'write for example "192.0.2.1" or "2001:db8::1"')
    return str(ip_address(text))


def network(text: str) -> str:
    """A range of IP addresses; an address alone is a range of one."""
    try:
        return str(ip_network(text))
    except ValueError:
        remedy = 'write for example "127.0.0.1" or "192.0.2.0/24"'
        raise WrongValue("is neither an IP address nor a range of them", remedy) from None


def mailbox(text: str) -> str:
    """An e-mail address."""
    match = _MAILBOX.fullmatch(text)
    if match is None:
        raise WrongValue("is no e-mail address", 'write for example "postmaster@example.com"')
    return text[: match.start("domain")] + host_name(match["domain"])


def base_url(text: str) -> str:
    """An address that paths are added to: http or https, a host, perhaps a port, nothing else."""
    example = 'write scheme and host only, for example "https://clicks.example.com"'
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise WrongValue("is no web address", example) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WrongValue("is no http or https address", example)
    if parts.path not in ("", "/") or "?" in text or "#" in text or "@" in parts.netloc:
        raise WrongValue("has more than scheme, host and port", example)
    name = host(parts.hostname)
    authority = f"[{name}]" if ":" in name else name
    is_usual = port is None or port == {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{authority}" + ("" if is_usual else f":{port}")


def database_url(text: str) -> str:
    """An SQLAlchemy URL. The value is not shown in a fault: it may hold a password."""
    remedy = 'write "sqlite:///state/smtpeter.db" or "postgresql+psycopg://user:password@host/name"'
    path = text.removeprefix(SQLITE)
    is_file = text.startswith(SQLITE) and path and "?" not in path and not path.startswith(":")
    if not is_file and not text.startswith("postgresql+psycopg://"):
        raise WrongValue("is neither an SQLite file nor a PostgreSQL database", remedy, is_shown=False)
    return text


def name_server(text: str) -> tuple[str, int]:
    """The IP address of a name server, perhaps with a port: C{127.0.0.1:5353}, C{[::1]:5353}."""
    match = re.fullmatch(r"\[(?P<v6>[^\[\]]+)\](?::(?P<port6>\d{1,5}))?|(?P<v4>[^:]+):(?P<port4>\d{1,5})", text)
    found = text if match is None else match["v6"] or match["v4"]
    port = 53 if match is None else int(match["port6"] or match["port4"] or 53)
    if not is_address(found) or not 0 < port < 65536:
        raise WrongValue("is no IP address of a name server", 'write for example "127.0.0.1" or "127.0.0.1:5353"')
    return str(ip_address(found)), port


def endpoint(text: str) -> str:
    """A Twisted endpoint string to listen on, with a type that we know and options that it takes."""
    kind, options = endpoint_parts(text)
    if kind in ("ssl", "tls"):
        raise WrongValue("is a TLS endpoint", "put a tcp endpoint into listen_tls; the certificate is the one of [tls]")
    if kind not in _ENDPOINT_OPTIONS:
        raise WrongValue(f"is of the unknown kind {kind!r}", f"{_ENDPOINT_EXAMPLE}; tcp, tcp6, unix, systemd are known")
    unknown = sorted(set(options) - _ENDPOINT_OPTIONS[kind])
    if unknown:
        raise WrongValue(f"has the unknown option {unknown[0]!r}", _ENDPOINT_EXAMPLE)
    _check_endpoint(kind, options)
    return text


def endpoint_parts(text: str) -> tuple[str, dict[str, str]]:
    """
    The kind of an endpoint string and its options by name; C{\\:} stands for a colon.

    @raise WrongValue: it is not of that form.
    """
    parts = [part.replace("\\:", ":") for part in re.split(r"(?<!\\):", text)]
    first = _FIRST_ARGUMENT.get(parts[0], "")
    options: dict[str, str] = {}
    for place, part in enumerate(parts[1:]):
        name, equals, value = part.partition("=")
        if not equals and place:
            raise WrongValue(f"has {part!r} where an option belongs", _ENDPOINT_EXAMPLE)
        options[name if equals else first] = value if equals else part
    return parts[0], options


def _check_endpoint(kind: str, options: dict[str, str]) -> None:
    if kind in ("tcp", "tcp6"):
        port = options.get("port", "")
        if not (port.isascii() and port.isdigit() and int(port[:6]) < 65536):
            raise WrongValue("has no port from 0 to 65535", _ENDPOINT_EXAMPLE)
        if "interface" in options and not is_address(options["interface"]):
            raise WrongValue("has an interface that is no IP address", _ENDPOINT_EXAMPLE + "; write \\: for : in IPv6")
    elif kind == "unix" and not options.get("address"):
        raise WrongValue("has no path", 'write for example "unix:/run/smtpeter/web.sock"')
    elif kind == "systemd" and not (options.get("domain") and ("index" in options or "name" in options)):
        raise WrongValue("names no socket", 'write for example "systemd:domain=INET:name=smtp"')
