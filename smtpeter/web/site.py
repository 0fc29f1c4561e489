"""
Which part of the web side a request is for: a tracking host serves tracking and nothing else.

Where the tracking host is the public one too, as in a trial on one machine, the first segment of the path decides; no
token is a word of C{PUBLIC_SEGMENTS}.
"""

from urllib.parse import urlsplit

from attrs import define
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request
from typing_extensions import override

PUBLIC_SEGMENTS = frozenset({b"healthz", b"readyz", b"v1"})
"""The first segments of paths outside tracking."""


def host_of(url: str) -> bytes:
    """The host name of a URL, in lower case, without its port."""
    return (urlsplit(url).hostname or "").encode()


@define(eq=False)
class HostRouter(Resource):
    """The root of the site."""

    isLeaf = True
    tracking: IResource
    public: IResource
    tracking_url: str
    public_url: str

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    @override
    def render(self, request: Request) -> object:
        """Pass a request on."""
        if not self._is_tracking(request):
            return self.public.render(request)
        # Klein is told the kind and not the path, which may be anything and is read from the raw address.
        is_pixel = request.path.endswith(b".gif") and request.path.count(b"/") == 1
        request.postpath = [b"pixel" if is_pixel else b"click"]
        return self.tracking.render(request)

    def _is_tracking(self, request: Request) -> bool:
        tracking, public = host_of(self.tracking_url), host_of(self.public_url)
        asked = request.getRequestHostname().lower()
        if asked != tracking:
            return False
        return tracking != public or request.path[1:].partition(b"/")[0] not in PUBLIC_SEGMENTS
