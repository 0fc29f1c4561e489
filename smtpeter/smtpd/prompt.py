"""
Writes to a client at once.

Twisted's transports put what is written aside until the reactor finds the socket writable, and its TLS gathers small
writes until the next turn: two more turns for each reply. Replies are given in one write for everything that was read,
so there is nothing to gather, and the socket nearly always takes them.
"""

from typing import Any

from twisted.internet.interfaces import IWriteDescriptor
from twisted.protocols.tls import TLSMemoryBIOProtocol


def write_now(transport: Any, octets: bytes) -> None:
    """
    Write as C{transport.write} does, and do not wait for the reactor's next turn. What the socket does not take, and a
    connection that fails, stay the reactor's business.
    """
    tls = transport if isinstance(transport, TLSMemoryBIOProtocol) else getattr(transport, "protocol", None)
    if isinstance(tls, TLSMemoryBIOProtocol):
        TLSMemoryBIOProtocol.write(tls, octets)
    else:
        transport.write(octets)
    socket: Any = tls.transport if tls is transport else transport
    if getattr(socket, "connected", False) and IWriteDescriptor.providedBy(socket):
        socket.doWrite()
