"""Fetches paths over HTTP as fast as it can: port, seconds, connections, requests in flight; the paths on stdin."""

import itertools
import selectors
import socket
import sys
from time import perf_counter


def main() -> None:
    """Fetch until the time is over; print how many answers came, and in how many seconds."""
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    connections, in_flight = int(sys.argv[3]), int(sys.argv[4])
    head = f"Host: 127.0.0.1:{port}\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0\r\n\r\n"
    paths = [path for path in sys.stdin.read().split("\n") if path] or ["/"]
    requests = itertools.cycle([f"GET {path} HTTP/1.1\r\n{head}".encode() for path in paths])
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"".join(next(requests) for _ in range(in_flight)))
        selector.register(connection, selectors.EVENT_READ, [in_flight])
    begun = perf_counter()
    answered, asks = 0, True
    while selector.get_map():
        for key, _ in selector.select(5.0):
            octets = key.fileobj.recv(262_144)  # type: ignore[union-attr]
            count = octets.count(b"HTTP/1.1 302")
            answered += count
            key.data[0] -= count
            asks = asks and perf_counter() < begun + seconds
            if asks and count:
                key.fileobj.sendall(b"".join(next(requests) for _ in range(count)))  # type: ignore[union-attr]
                key.data[0] += count
            elif not octets or (not asks and key.data[0] <= 0):
                selector.unregister(key.fileobj)
        if perf_counter() > begun + seconds + 5:
            break
    print(answered, perf_counter() - begun)


if __name__ == "__main__":
    main()
