"""Which names accounts, logins, tokens and sender domains may have (pure)."""

import re
import unicodedata

from smtpeter.accounts.refusals import WrongName
from smtpeter.model.address import AddressError, lookup_domain

MAX_NAME = 64
"""Characters."""

_HOST_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


def check_name(text: str) -> str:
    """
    A name for an account, a login or a token: one to L{MAX_NAME} visible characters with single spaces between.

    @return: the name in normal form C.
    @raise WrongName: it cannot be one.
    """
    name = unicodedata.normalize("NFC", text)
    if not name:
        raise WrongName("The name is empty.")
    if len(name) > MAX_NAME:
        raise WrongName(f"The name is longer than {MAX_NAME} characters.")
    if not name.isprintable() or name != " ".join(name.split()):
        raise WrongName("The name has control characters, or spaces at an end or in a row.")
    return name


def check_domain(text: str) -> str:
    """
    A name for a sender domain.

    @return: A-labels in lower case.
    @raise WrongName: mail cannot come from such a domain.
    """
    try:
        name = lookup_domain(text.strip().removeprefix("@"))
    except AddressError as error:
        raise WrongName(f"{error}.") from None
    labels = name.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or not all(_HOST_LABEL.fullmatch(label) for label in labels):
        raise WrongName(f"{text} is not a domain name such as example.com.")
    return name
