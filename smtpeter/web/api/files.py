"""Fetches the attachments of a mail that are named by URL, before it is accepted: the caller hears of a failure."""

from collections.abc import Mapping, Sequence

from attrs import define

from smtpeter.boundaries.fetch import Fetched, Fetcher, FetchError
from smtpeter.web.api.faults import wrong

MAX_URLS = 20
"""Of one mail."""


@define(eq=False)
class Files:
    """
    Fetches one after the other, so that a mail holds no more in memory than it may be large.

    @ivar size_bytes: of all files of a mail together.
    """

    _fetcher: Fetcher
    _size_bytes: int

    async def fetch(self, places: Mapping[str, Sequence[str]]) -> dict[str, Fetched]:
        """
        Fetch all.

        @param places: where in the body each URL stands.
        @raise APIError: 400, with the first that cannot be fetched.
        """
        if len(places) > MAX_URLS:
            raise wrong(f"attachments has more than {MAX_URLS} URLs.", "attachments")
        found: dict[str, Fetched] = {}
        left = self._size_bytes
        for url, (place, *_) in places.items():
            try:
                found[url] = await self._fetcher.get(url, left)
            except FetchError as error:
                raise wrong(f"{place} cannot be fetched: {error}.", place) from None
            left = max(1, left - len(found[url].content))
        return found
