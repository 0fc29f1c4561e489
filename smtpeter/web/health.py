"""Says whether the process lives and whether it can work, for load balancers and supervisors."""

import json
from typing import Protocol

from attrs import define
from klein import Klein
from twisted.web.iweb import IRequest


class Readiness(Protocol):
    """Knows what keeps the server from working."""

    async def faults(self) -> list[str]:
        """What is wrong, a line each; empty when all is well."""


@define(eq=False)
class Health:
    """C{/healthz} and C{/readyz}; anything else is not found."""

    app = Klein()
    _readiness: Readiness

    @app.route("/healthz", methods=["GET"])
    def healthz(self, request: IRequest) -> bytes:
        """Answers as long as the reactor turns."""
        return _answer(request, 200, {"status": "ok"})

    @app.route("/readyz", methods=["GET"])
    async def readyz(self, request: IRequest) -> bytes:
        """200 when mail can be taken and sent, else 503 with the reasons."""
        faults = await self._readiness.faults()
        if faults:
            return _answer(request, 503, {"status": "unavailable", "faults": faults})
        return _answer(request, 200, {"status": "ok"})


def _answer(request: IRequest, code: int, body: object) -> bytes:
    text = json.dumps(body).encode()
    request.setResponseCode(code)
    request.setHeader(b"Content-Type", b"application/json")
    request.setHeader(b"Cache-Control", b"no-store")
    request.setHeader(b"Content-Length", b"%d" % len(text))
    return text
