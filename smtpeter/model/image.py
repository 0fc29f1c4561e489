"""An image that is shown by mail without being in it."""

from attrs import field, frozen


@frozen(kw_only=True)
class HostedImage:
    """
    Bytes under an address.

    @ivar hash: what it is found by: 40 hexadecimal digits (L{smtpeter.tracking.images}).
    @ivar type: its media type, as its bytes tell.
    """

    hash: str
    type: str
    octets: bytes = field(repr=False)
