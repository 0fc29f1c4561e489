"""Reads accounts, logins and sender domains from their rows."""

from typing import Any

from sqlalchemy import Row, Select, func, select

from smtpeter.boundaries.storage import Vault
from smtpeter.model.account import Account, Login, SenderDomain, SigningKey, Standing
from smtpeter.storage.rows import read_features
from smtpeter.storage.tables import accounts, dkim_keys, logins, sender_domains


def select_logins() -> Select[Any]:
    """Logins with their accounts, for L{read_login}."""
    return select(
        logins, accounts.c.name.label("account_name"), accounts.c.standing.label("account_standing")
    ).join_from(logins, accounts, accounts.c.id == logins.c.account_id)


def select_domains() -> Select[Any]:
    """Sender domains with their newest keys, for L{read_domain}."""
    newest = (
        select(func.max(dkim_keys.c.id))
        .where(dkim_keys.c.sender_domain_id == sender_domains.c.id)
        .correlate(sender_domains)
        .scalar_subquery()
    )
    return select(
        sender_domains.c.account_id,
        sender_domains.c.name,
        sender_domains.c.is_approved,
        dkim_keys.c.domain,
        dkim_keys.c.selector,
        dkim_keys.c.sealed_pem,
    ).join_from(sender_domains, dkim_keys, dkim_keys.c.id == newest, isouter=True)


def read_account(row: Row[Any]) -> Account:
    """An account."""
    return Account(id=row.id, name=row.name, standing=Standing(row.standing))


def read_login(row: Row[Any]) -> Login:
    """A login with its account."""
    return Login(
        id=row.id,
        account=Account(id=row.account_id, name=row.account_name, standing=Standing(row.account_standing)),
        username=row.username,
        name=row.name,
        features=read_features(row.features),
        secret=row.secret,
    )


def read_domain(row: Row[Any], vault: Vault) -> SenderDomain:
    """
    A sender domain, its key opened.

    @raise ValueError: the key was sealed with a secret that is not here.
    """
    key = None
    if row.sealed_pem is not None:
        key = SigningKey(domain=row.domain, selector=row.selector, private_pem=vault.open(row.sealed_pem))
    return SenderDomain(account_id=row.account_id, name=row.name, is_approved=row.is_approved, key=key)
