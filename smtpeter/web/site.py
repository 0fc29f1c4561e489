"""
Which part of the web side a request is for: a tracking host serves tracking and nothing else.

Where the tracking host is the public one too, as in a trial on one machine, the first segment of the path decides; no
token is a word of C{PUBLIC_SEGMENTS}.
"""

from urllib.parse import unquote_to_bytes, urlsplit

from attrs import define, field
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request
from typing_extensions import override

from smtpeter.tracking.images import SEGMENT as IMAGES
from smtpeter.web.tracking import not_found
from smtpeter.web.unsubscribing import SEGMENT as UNSUBSCRIBING

API_SEGMENTS = frozenset({b"v1", b"v2"})
"""The same API: clients were written after examples with either."""

PUBLIC_SEGMENTS = frozenset({b"healthz", b"readyz"}) | API_SEGMENTS
"""The first segments of paths outside tracking."""


def host_of(url: str) -> bytes:
    """The host name of a URL, in lower case, without its port."""
    return (urlsplit(url).hostname or "").encode()


@define(eq=False)
class PublicSite(Resource):
    """What the public host serves: the REST API, and health."""

    isLeaf = True
    _api: IResource
    _health: IResource

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    @override
    def render(self, request: Request) -> object:
        """Pass a request on. Klein would log a stranger's path that is no UTF-8 as our fault; the API looks."""
        if request.path[1:].partition(b"/")[0] in API_SEGMENTS:
            return self._api.render(request)
        return self._health.render(request) if _is_text(request.path) else not_found(request)


@define(eq=False)
class TrackingSite(Resource):
    """What the tracking host serves: links and pixels, addresses at which readers unsubscribe, and hosted images."""

    isLeaf = True
    _tracking: IResource
    _unsubscribing: IResource
    _images: IResource

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    @override
    def render(self, request: Request) -> object:
        """Pass a request on. No token of a link is as short as these segments."""
        segment = request.path[1:].partition(b"/")[0]
        chosen = {UNSUBSCRIBING: self._unsubscribing, IMAGES: self._images}.get(segment, self._tracking)
        return chosen.render(request)


@define(eq=False)
class HostRouter(Resource):
    """The root of the site."""

    isLeaf = True
    tracking: IResource
    public: IResource
    tracking_url: str
    public_url: str
    _tracking_host: bytes = field(init=False)
    _is_shared: bool = field(init=False)

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def __attrs_post_init__(self) -> None:
        self._tracking_host = host_of(self.tracking_url)
        self._is_shared = self._tracking_host == host_of(self.public_url)

    @override
    def render(self, request: Request) -> object:
        """Pass a request on."""
        return (self.tracking if self._is_tracking(request) else self.public).render(request)

    def _is_tracking(self, request: Request) -> bool:
        if request.getRequestHostname().lower() != self._tracking_host:
            return False
        return not self._is_shared or request.path[1:].partition(b"/")[0] not in PUBLIC_SEGMENTS


def _is_text(path: bytes) -> bool:
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return False
    return True
