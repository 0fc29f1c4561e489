"""
Has the reactor call its connections without a detour.

Twisted's epoll reactor wraps every read and every write in a context that names the connection to
C{twisted.python.log}: a dozen calls for each, a twentieth of what a message costs. This server logs by
C{twisted.logger}, which does not look there.
"""

import sys
from collections.abc import Callable
from typing import Any

from twisted.python import log


class _PlainCalls:
    """What the reactor wants of C{twisted.python.log}."""

    @staticmethod
    def callWithLogger(connection: object, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call it, and log what it raises."""
        try:
            return function(*arguments)
        except Exception:
            log.err(None, f"a fault of {connection!r}")


def call_plainly() -> None:
    """To be called once the reactor is there; another reactor than that of epoll is left as it is."""
    reactor: Any = sys.modules.get("twisted.internet.epollreactor")
    if reactor is not None:
        reactor.log = _PlainCalls
