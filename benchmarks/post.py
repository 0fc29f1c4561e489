"""
Posts bodies over HTTP as fast as it can: port, seconds, connections, path; on stdin the bodies, a line each.

Prints how many were answered with 200, and in how many seconds. Each connection has one request in flight, as a program
has that waits for the ids.
"""

import itertools
import selectors
import socket
import sys
from time import perf_counter


def main() -> None:
    """Post until the time is over, and wait for the answers to all of it."""
    port, seconds, connections, path = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
    lines = sys.stdin.buffer.read().splitlines()
    requests = itertools.cycle([f"{head}{len(line)}\r\n\r\n".encode() + line for line in lines])
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        connection = socket.create_connection(("localhost", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ, bytearray())
        connection.sendall(next(requests))
    begun = perf_counter()
    answered, refused = 0, b""
    while selector.get_map():
        for key, _ in selector.select(60.0):
            octets = key.fileobj.recv(1 << 20)  # type: ignore[union-attr]
            key.data.extend(octets)
            if is_whole(key.data):
                answered += key.data.startswith(b"HTTP/1.1 200 ")
                refused = refused if key.data.startswith(b"HTTP/1.1 200 ") else bytes(key.data)
                key.data.clear()
                if perf_counter() < begun + seconds:
                    key.fileobj.sendall(next(requests))  # type: ignore[union-attr]
                    continue
            elif octets:
                continue
            selector.unregister(key.fileobj)
    print(answered, perf_counter() - begun)
    if refused:
        print(refused[:500], file=sys.stderr)


def is_whole(answer: bytearray) -> bool:
    """Whether all of an answer is there."""
    header, end, body = answer.partition(b"\r\n\r\n")
    _, name, length = header.lower().partition(b"content-length: ")
    return bool(end and name) and len(body) >= int(length.split(b"\r\n")[0])


if __name__ == "__main__":
    main()
