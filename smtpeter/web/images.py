"""
Images that mail shows, for whoever knows their address.

An address belongs to its bytes for ever, so that caches may keep them. A browser takes them for images and nothing
else.
"""

from attrs import define
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from typing_extensions import override

from smtpeter.boundaries.images import ImageReader
from smtpeter.boundaries.metrics import Tally, uncounted
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.mime.images import ENDINGS
from smtpeter.model.image import HostedImage
from smtpeter.tracking.images import read_image_path
from smtpeter.web.tracking import not_allowed, not_found

RETRY_SECONDS = 10

_HEADERS = (
    (b"Cache-Control", b"public, max-age=31536000, immutable"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"Content-Security-Policy", b"default-src 'none'; sandbox"),
    (b"Cross-Origin-Resource-Policy", b"cross-origin"),
)


@define(eq=False)
class Images(Resource):
    """Answers C{GET} and C{HEAD} of C{/images/<hash>/<name>}."""

    isLeaf = True
    _reader: ImageReader
    _answered: Tally = uncounted
    """Counts requests: C{image}, C{not_found}."""
    _log = Logger()

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    @override
    def render(self, request: Request) -> object:
        """Answer when it is read."""
        place = read_image_path(request.path)
        if place is None:
            return self._not_found(request)
        if request.method not in (b"GET", b"HEAD"):
            return not_allowed(request)
        _ = Deferred.fromCoroutine(self._serve(request, *place))
        return NOT_DONE_YET

    async def _serve(self, request: Request, hash: str, ending: str) -> None:
        try:
            image = await self._reader.image(hash)
        except StorageBusy:
            _finish(request, _unavailable(request))
            return
        except Exception:
            self._log.failure("an image could not be read")
            _finish(request, _unavailable(request))
            return
        if image is None or ENDINGS.get(image.type) != ending:
            _finish(request, self._not_found(request))
        else:
            _finish(request, self._shown(request, image))

    def _shown(self, request: Request, image: HostedImage) -> bytes:
        self._answered("image")
        for name, value in (*_HEADERS, (b"Content-Type", image.type.encode("ascii"))):
            request.setHeader(name, value)
        request.setHeader(b"Content-Length", b"%d" % len(image.octets))
        return image.octets

    def _not_found(self, request: Request) -> bytes:
        self._answered("not_found")
        return not_found(request)


def _unavailable(request: Request) -> bytes:
    request.setResponseCode(503)
    request.setHeader(b"Retry-After", b"%d" % RETRY_SECONDS)
    request.setHeader(b"Cache-Control", b"no-store")
    request.setHeader(b"Content-Length", b"0")
    return b""


def _finish(request: Request, answer: bytes) -> None:
    """Twisted takes the channel away from a request whose visitor has gone."""
    if getattr(request, "channel", None) is None:
        return
    request.write(answer)
    request.finish()
