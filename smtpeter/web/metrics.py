"""C{/metrics}, for Prometheus. It has a listener of its own; no public host serves it."""

from attrs import define
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from twisted.web.resource import Resource
from twisted.web.server import Request
from typing_extensions import override

from smtpeter.web.figures import Figures
from smtpeter.web.tracking import not_found

_CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4.encode("ascii")


@define(eq=False)
class Metrics(Resource):
    """The root of that listener: one page, and nothing else."""

    isLeaf = True
    _figures: Figures

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    @override
    def render(self, request: Request) -> bytes:
        """Answer C{GET} and C{HEAD}."""
        if request.path != b"/metrics":
            return not_found(request)
        if request.method not in (b"GET", b"HEAD"):
            request.setResponseCode(405)
            request.setHeader(b"Allow", b"GET, HEAD")
            return b""
        text = self._figures.text()
        request.setHeader(b"Content-Type", _CONTENT_TYPE)
        request.setHeader(b"Content-Length", b"%d" % len(text))
        return b"" if request.method == b"HEAD" else text
