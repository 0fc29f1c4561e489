"""
Attachments by URL, sent to the server as a process: whatever the URL, nobody on loopback sees a connection.

What a redirect or a name does that leads to the public network first, is in L{tests.functional.test_fetch}.
"""

import http.client
import json
import socket
import threading
from typing import Any

from attrs import define, field
from twisted.trial.unittest import SynchronousTestCase

from tests.support.installation import Installation
from tests.support.nameserver import NameServer
from tests.support.rest import INSECURE, client
from tests.support.sink import Sink

HOSTS = (
    *(
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "127.000.000.001",
        "127.255.255.254",
        "2130706433",
        "4294967295",
        "0",
        "0.0.0.0",
    ),
    *("0x7f000001", "0x7f.1", "0x7F.0x0.0x0.0x1", "0177.0.0.1", "017700000001", "0177.0x0.0.1", "127.0.0.1.", "127.1."),
    *("①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.0.0.1", "127.0.0.1%2e", "127%2e0%2e0%2e1", "%31%32%37.0.0.1"),
    *(
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:0:7f00:1]",
        "[::127.0.0.1]",
    ),
    *("[::7f00:1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::1]", "[2001:0:7f00:1::]", "[fe80::1]"),
    *("[fe80::1%25lo]", "[::1%25lo]", "[::1%lo]", "[fc00::1]", "[fd00::1]", "[ff02::1]", "[ff01::1]", "[2001:db8::1]"),
    *("localhost", "localhost.", "LOCALHOST", "ⓛocalhost", "ip6-localhost", "localhost.localdomain", "a.localhost"),
    *("169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "10.0.0.1", "172.16.0.1", "192.168.0.1"),
    *("100.64.0.1", "198.18.0.1", "192.0.2.1", "224.0.0.1", "255.255.255.255"),
    *("me@127.0.0.1", "me:word@127.0.0.1", "8.8.8.8@127.0.0.1", "8.8.8.8:80@127.0.0.1", "127.0.0.1#@8.8.8.8"),
    *("127.0.0.1\\@8.8.8.8", "8.8.8.8\\@127.0.0.1", "127.0.0.1\t", " 127.0.0.1", "127.0.0.1\r\n", "127.0.0.1\0"),
)
"""Each is followed by the port of the listener."""

NAMES: dict[tuple[str, str], list[str]] = {
    ("loop.test", "A"): ["127.0.0.1"],
    ("other.loop.test", "A"): ["127.9.9.9"],
    ("loop6.test", "AAAA"): ["::1"],
    ("mapped.test", "AAAA"): ["::ffff:127.0.0.1"],
    ("compatible.test", "AAAA"): ["::127.0.0.1"],
    ("nat64.test", "AAAA"): ["64:ff9b::7f00:1"],
    ("sixtofour.test", "AAAA"): ["2002:7f00:1::1"],
    ("link.test", "AAAA"): ["fe80::1"],
    ("zero.test", "A"): ["0.0.0.0"],
    ("zero6.test", "AAAA"): ["::"],
    ("meta.test", "A"): ["169.254.169.254"],
    ("mixed.test", "A"): ["8.8.8.8", "127.0.0.1"],
    ("mixed2.test", "A"): ["127.0.0.1", "8.8.8.8"],
    ("half.test", "A"): ["8.8.8.8"],
    ("half.test", "AAAA"): ["::1"],
    ("alias.test", "CNAME"): ["loop.test."],
    ("round.test", "CNAME"): ["round.test."],
    ("localhost.test", "CNAME"): ["localhost."],
}
"""Names that the server's DNS knows."""

OTHER_PORTS = (25, 587, 22, 6379, 11211)


@define(eq=False)
class Listener:
    """Takes connections on a port of loopback addresses, and answers as a web server that has a secret."""

    connections: int = 0
    _sockets: list[socket.socket] = field(factory=list)

    def __enter__(self) -> "Listener":
        self._sockets = [socket.create_server(("127.0.0.1", 0))]
        self._sockets += [socket.create_server((address, self.port)) for address in ("127.9.9.9", "127.255.255.254")]
        self._sockets.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        for one in self._sockets:
            threading.Thread(target=self._take, args=(one,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._sockets:
            one.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._sockets[0].getsockname()[1])

    def _take(self, listening: socket.socket) -> None:
        while True:
            try:
                one, _ = listening.accept()
            except OSError:
                return
            self.connections += 1
            with one:
                one.recv(4096)
                one.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nsecret")


class FetchTests(SynchronousTestCase):
    """URLs that lead back to the machine, or to the network around it."""

    def send(self, connection: http.client.HTTPConnection, token: str, url: str) -> tuple[int, Any]:
        """Send a mail with an attachment from there."""
        value = {"recipient": "b@y.example", "from": "a@shop.example", "text": "x", "attachments": [{"url": url}]}
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        connection.request("POST", "/v1/send", json.dumps(value), headers)
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())

    def test_refused(self) -> None:
        """Each URL is refused with the place where it stands; no connection is made, and no mail goes out."""
        with Sink() as sink, Listener() as listener, NameServer(NAMES) as names:
            dns = f'[dns]\nservers = ["127.0.0.1:{names.port}"]\n'
            with Installation(sink.port, web=INSECURE, extra=dns) as it:
                token = client(it).token
                connection = http.client.HTTPConnection("localhost", it.web_port, timeout=60)
                hosts = [*HOSTS, *dict.fromkeys(name for name, _ in NAMES), "unknown.test"]
                urls = [f"http://{host}:{listener.port}/" for host in hosts]
                urls += [
                    f"https://{host}:{listener.port}/" for host in ("127.0.0.1", "[::1]", "loop.test", "localhost")
                ]
                urls += [f"http://8.8.8.8:{port}/" for port in OTHER_PORTS[:3]]
                urls += [f"http://loop.test:{port}/" for port in OTHER_PORTS]
                urls += [f"{scheme}://127.0.0.1:{listener.port}/" for scheme in ("ftp", "gopher", "file", "dict", "ws")]
                urls += ["file:///etc/passwd", f"//127.0.0.1:{listener.port}/", "data:text/plain,x"]
                for url in urls:
                    status, answer = self.send(connection, token, url)
                    self.assertEqual((status, answer["error"]["field"]), (400, "attachments[0].url"), (url, answer))
                    self.assertNotIn("secret", json.dumps(answer))
                connection.close()
                self.assertEqual(listener.connections, 0)
                self.assertIn(("mixed.test", "A"), names.questions)
                self.assertEqual(it.events("attempt"), [])
                it.stop()

    def test_reachable(self) -> None:
        """The listener can be reached where the operator allows it: what is refused above is refused by the guard."""
        with Sink() as sink, Listener() as listener, NameServer(NAMES) as names:
            extra = f'[dns]\nservers = ["127.0.0.1:{names.port}"]\n'
            with Installation(sink.port, web=f"{INSECURE}\nallow_private = true", extra=extra) as it:
                token = client(it).token
                connection = http.client.HTTPConnection("localhost", it.web_port, timeout=60)
                reached = (
                    "127.0.0.1",
                    "[::1]",
                    "[::ffff:7f00:1]",
                    "localhost",
                    "loop.test",
                    "loop6.test",
                    "alias.test",
                )
                for number, host in enumerate(reached, 1):
                    status, answer = self.send(connection, token, f"http://{host}:{listener.port}/")
                    self.assertEqual((status, listener.connections), (200, number), (host, answer))
                connection.close()
                self.assertEqual(len(sink.wait_for(len(reached))), len(reached))
