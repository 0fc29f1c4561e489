"""
The addresses of hosted images: C{/images/<hash>/<name>} behind the tracking base.

The hash is that of the content and of the account, under a key of ours. So the same image of an account is kept once
and has one address for ever, and nobody who has an image can find out whether others host it too. The name is for
people and for what they save it as; only its form and its ending count.
"""

import re
from hashlib import blake2b

from smtpeter.model.keys import MacKeys

SEGMENT = b"images"
"""With which the paths begin."""
HASH_CHARACTERS = 40
MAX_NAME = 60
"""Characters, its ending included."""

_PERSON = b"smtpeter IMAGE"
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
_PATH = re.compile(rb"/images/([0-9a-f]{40})/[A-Za-z0-9_-]{1,60}\.([a-z]{3,4})")


def image_hash(keys: MacKeys, account_id: int, octets: bytes) -> str:
    """What an image of an account is found by."""
    made = blake2b(digest_size=HASH_CHARACTERS // 2, key=keys.keys[keys.current], person=_PERSON)
    made.update(b"%d:" % account_id)
    made.update(octets)
    return made.hexdigest()


def image_path(hash: str, given: str, ending: str) -> str:
    """
    The path of an image behind the tracking base, its slash included. No character of it means anything in HTML or CSS.

    @param given: the name that it came with, whatever that is.
    @param ending: of its type.
    """
    stem = given.replace("\\", "/").rpartition("/")[2]
    stem = stem.rpartition(".")[0] or stem
    name = _UNFIT.sub("-", stem).strip("-")[: MAX_NAME - len(ending) - 1] or "image"
    return f"/images/{hash}/{name}.{ending}"


def read_image_path(path: bytes) -> tuple[str, str] | None:
    """
    The hash in the path of a request, without its query, and the ending of the name; C{None} when it is no address of
    ours.
    """
    found = _PATH.fullmatch(path)
    return None if found is None else (found[1].decode("ascii"), found[2].decode("ascii"))
