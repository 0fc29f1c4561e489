"""
How much mail is held in memory, and who may still add to it.

Two bounds hold for all: messages and bytes of content. Within them an account may add as long as it holds less than
what is still free, and a recipient domain as long as it holds less than a quarter of that. So one account alone gets
half of the memory, n of them n/(n+1) together, and whoever comes next always finds room: neither a flood nor a slow
destination can fill it.
"""

from collections.abc import Collection, Hashable
from typing import Generic, TypeVar

from attrs import define, field

DOMAIN_PART = 0.25

Key = TypeVar("Key", bound=Hashable)


@define(eq=False)
class Shares(Generic[Key]):
    """Messages and bytes by whom they count against; who holds nothing takes no memory here."""

    _held: dict[Key, tuple[int, int]] = field(factory=dict, init=False)

    def add(self, key: Key, messages: int, size_bytes: int) -> None:
        """Count something; negative numbers take it away again."""
        had_messages, had_bytes = self._held.get(key, (0, 0))
        if had_messages + messages > 0:
            self._held[key] = (had_messages + messages, had_bytes + size_bytes)
        else:
            self._held.pop(key, None)

    def is_over(self, key: Key, messages: float, size_bytes: float) -> bool:
        """Whether it holds that much or more."""
        held = self._held.get(key)
        return held is not None and (held[0] >= messages or held[1] >= size_bytes)

    def over(self, messages: float, size_bytes: float) -> list[Key]:
        """All that hold that much or more."""
        return [key for key, held in self._held.items() if held[0] >= messages or held[1] >= size_bytes]


@define(eq=False)
class Budget:
    """
    The memory of the queue.

    @ivar max_messages: how many messages at most.
    @ivar max_bytes: how many bytes of content at most. A message larger than that passes alone.
    """

    max_messages: int
    max_bytes: int
    messages: int = field(default=0, init=False)
    size_bytes: int = field(default=0, init=False)
    accounts: Shares[int] = field(factory=Shares, init=False)
    domains: Shares[str] = field(factory=Shares, init=False)

    @property
    def free_messages(self) -> int:
        """Room for so many messages."""
        return max(self.max_messages - self.messages, 0)

    @property
    def free_bytes(self) -> int:
        """Room for so many bytes."""
        return max(self.max_bytes - self.size_bytes, 0)

    def has_room(self, messages: int, size_bytes: int) -> bool:
        """Whether so much fits within the bounds that hold for all."""
        return messages <= self.free_messages and size_bytes <= self.free_bytes

    def may_add(self, account_id: int, domains: Collection[str]) -> bool:
        """Whether an account and all of these domains are within their shares."""
        free_messages, free_bytes = self.free_messages, self.free_bytes
        if self.accounts.is_over(account_id, free_messages, free_bytes):
            return False
        messages, size_bytes = free_messages * DOMAIN_PART, free_bytes * DOMAIN_PART
        return not any(self.domains.is_over(domain, messages, size_bytes) for domain in domains)

    def full_accounts(self) -> list[int]:
        """The accounts that may add nothing now."""
        return self.accounts.over(self.free_messages, self.free_bytes)

    def full_domains(self) -> list[str]:
        """The recipient domains that may add nothing now."""
        return self.domains.over(self.free_messages * DOMAIN_PART, self.free_bytes * DOMAIN_PART)

    def take(self, messages: int, size_bytes: int) -> None:
        """Count messages and content against the bounds."""
        self.messages += messages
        self.size_bytes += size_bytes

    def give_back(self, messages: int, size_bytes: int) -> None:
        """Undo L{take}."""
        self.messages -= messages
        self.size_bytes -= size_bytes

    def count_share(self, account_id: int, domain: str, messages: int, size_bytes: int) -> None:
        """Count a message, with its part of the content, against its account and domain; or, negative, no more."""
        self.accounts.add(account_id, messages, size_bytes)
        self.domains.add(domain, messages, size_bytes)
