"""
Sends what is written at once.

Twisted's transports put what is written aside, have the reactor watch for the socket to take it, and send in its next
turn; its TLS gathers small writes until the next turn as well. Commands and replies are given in one write for
everything that was read, so there is nothing to gather, and the socket nearly always takes them: the detour costs two
turns of the reactor and two system calls for each.
"""

from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.protocols.tls import TLSMemoryBIOProtocol


def hasten(transport: Any) -> None:
    """
    Have a connection's TLS send what it has encrypted at once, the handshake included. To be called when TLS has begun;
    a connection without TLS stays as it is.
    """
    tls = transport if isinstance(transport, TLSMemoryBIOProtocol) else getattr(transport, "protocol", None)
    if isinstance(tls, TLSMemoryBIOProtocol) and not isinstance(tls.transport, _Beneath):
        beneath: Any = tls.transport
        socket = getattr(beneath, "_connection", beneath)
        if isinstance(socket, FileDescriptor):
            setattr(tls, "transport", _Beneath(beneath, socket))  # noqa: B010


def write_now(transport: Any, octets: bytes) -> None:
    """
    Write as C{transport.write} does, and do not wait for the reactor's next turn. What the socket does not take, and a
    connection that fails, stay the reactor's business.
    """
    tls = transport if isinstance(transport, TLSMemoryBIOProtocol) else getattr(transport, "protocol", None)
    if isinstance(tls, TLSMemoryBIOProtocol):
        TLSMemoryBIOProtocol.write(tls, octets)
    elif isinstance(transport, FileDescriptor):
        rest = _send(transport, octets)
        if rest:
            transport.write(rest)
    else:
        transport.write(octets)


class _Beneath:
    """What TLS writes to: the transport as it was, but for C{write}."""

    def __init__(self, beneath: Any, socket: FileDescriptor) -> None:
        self._beneath = beneath
        self._socket = socket

    def __getattr__(self, name: str) -> Any:
        return getattr(self._beneath, name)

    def write(self, octets: bytes) -> None:
        """Send, and leave to the transport what the socket does not take."""
        rest = _send(self._socket, octets)
        if rest:
            self._beneath.write(rest)


def _send(socket: Any, octets: bytes) -> bytes:
    """
    Send what the socket takes, behind nothing that waits.

    @return: the rest; all of it when something waits, or the connection fails, which the reactor then finds as well.
    """
    if socket.dataBuffer or socket._tempDataBuffer or socket._writeDisconnected or not socket.connected:
        return octets
    sent = socket.writeSomeData(octets)
    return octets[sent:] if isinstance(sent, int) else octets
