"""
A TCP proxy before a database that a test can cut: at once, or just when a commit is under way.

It passes bytes with threads of its own, so it works under any test.
"""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event as Signal
from threading import Thread

from attrs import define, field

COMMIT = b"COMMIT"
LONGEST_SECONDS = 20.0


@define(eq=False)
class CuttingProxy:
    """
    Clients connect to C{port}.

    @ivar is_cut: whether every connection is refused at once.
    @ivar committed: set when a commit is cut off.
    """

    _target: tuple[str, int]
    port: int = field(init=False, default=0)
    is_cut: bool = field(init=False, default=False)
    committed: Signal = field(init=False, factory=Signal)
    _cut_commit: Callable[["_Link", bytes], None] | None = field(init=False, default=None)
    _passing: int = field(init=False, default=0)
    _behind: bytes = field(init=False, default=b"")
    _listener: socket.socket = field(init=False, factory=socket.socket)
    _links: "list[_Link]" = field(init=False, factory=list)

    def start(self) -> None:
        """Listen on a free loopback port."""
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self.port = self._listener.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """End it."""
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def cut(self) -> None:
        """Close all connections and refuse new ones."""
        self.is_cut = True
        for link in self._links:
            link.close()
        self._links.clear()

    def restore(self) -> None:
        """Let clients in again."""
        self.is_cut = False

    def lose_commit_answer(self, after: int = 0, behind: bytes = b"") -> None:
        """
        Pass the next commit on, wait until the database has answered, and close the connection to the client.

        @param after: how many commits go undisturbed before; what only reads commits too.
        @param behind: what a transaction must have said. The driver says a statement in words some five times only.
        """
        self._passing, self._behind, self._cut_commit = after, behind, _lose_answer

    def delay_commit(self, seconds: float) -> None:
        """Close the connection to the client at the next commit, and pass it on so much later all the same."""
        self._cut_commit = lambda link, chunk: _delay(link, chunk, seconds)

    def lose_commit(self) -> None:
        """Close both sides at the next commit, which the database never gets."""
        self._cut_commit = lambda link, _: link.close()

    def take_commit_cut(self, said: bytes) -> "Callable[[_Link, bytes], None] | None":
        """What to do with a commit from a client, once. C{said}: everything since its last commit."""
        if self._cut_commit is None or self._behind not in said:
            return None
        if self._passing:
            self._passing -= 1
            return None
        cut, self._cut_commit = self._cut_commit, None
        return cut

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.is_cut:
                client.close()
                continue
            link = _Link(self, client, socket.create_connection(self._target))
            self._links.append(link)
            link.start()


@define(eq=False)
class _Link:
    """One client's connection and the one behind it."""

    _proxy: CuttingProxy
    client: socket.socket
    server: socket.socket
    is_muted: bool = False
    """Whether answers are thrown away."""
    answered: Signal = field(factory=Signal)

    def start(self) -> None:
        """Pass bytes both ways."""
        for target in (self._upwards, self._downwards):
            Thread(target=target, daemon=True).start()

    def close(self) -> None:
        """Both sides."""
        for one in (self.client, self.server):
            _end(one)

    def _upwards(self) -> None:
        said = b""
        with suppress(OSError):
            while chunk := self.client.recv(65536):
                said += chunk
                if COMMIT in chunk:
                    cut, said = self._proxy.take_commit_cut(said), b""
                    if cut is not None:
                        # Before the client can notice, and go on.
                        self._proxy.committed.set()
                        cut(self, chunk)
                        return
                self.server.sendall(chunk)
        self.close()

    def _downwards(self) -> None:
        with suppress(OSError):
            while chunk := self.server.recv(65536):
                if self.is_muted:
                    self.answered.set()
                else:
                    self.client.sendall(chunk)
        self.close()


def _lose_answer(link: _Link, chunk: bytes) -> None:
    link.is_muted = True
    link.server.sendall(chunk)
    assert link.answered.wait(LONGEST_SECONDS), "the database does not answer a commit"
    link.close()


def _delay(link: _Link, chunk: bytes, seconds: float) -> None:
    def pass_on() -> None:
        time.sleep(seconds)
        with suppress(OSError):
            link.server.sendall(chunk)
            link.answered.wait(LONGEST_SECONDS)
        link.close()

    link.is_muted = True
    Thread(target=pass_on, daemon=True).start()
    _end(link.client)


def _end(one: socket.socket) -> None:
    """Wake who reads there, too."""
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
