"""An account book for tests of the rules: the real adapter on a database in memory."""

from smtpeter.auth.secrets import VaultKeys
from smtpeter.auth.vault import KeyedVault
from smtpeter.boundaries.accounts import AccountBook
from smtpeter.storage.accounts import StoredAccounts
from tests.support.database import memory_database


def memory_book() -> AccountBook:
    """An empty one."""
    vault = KeyedVault(VaultKeys(current=0, keys={0: b"v" * 32}), lambda size: b"n" * size)
    return StoredAccounts(database=memory_database(), vault=vault)
