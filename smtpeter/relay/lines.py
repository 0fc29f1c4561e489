"""
The waiting line of a site: accounts take turns, and jobs with the same content wait as a group.

A flood of one account delays another's message by one transaction at most on each connection.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence

from attrs import define, field, frozen

from smtpeter.boundaries.relay import Report
from smtpeter.model.relay import Job


@frozen(eq=False)
class Entry:
    """A job and who wants to know of it."""

    job: Job
    report: Report


_Group = deque[Entry]
_ShareKey = tuple[int, str, bool]


@define(eq=False)
class WaitingLine:
    """
    What waits.

    @ivar groups: how many transactions that is at least.
    """

    groups: int = 0
    _entries: int = 0
    _accounts: OrderedDict[int, deque[_Group]] = field(factory=OrderedDict)
    _shared: dict[_ShareKey, _Group] = field(factory=dict)

    def __len__(self) -> int:
        return self._entries

    @property
    def accounts(self) -> Iterable[int]:
        """Who waits, whoever is next first."""
        return self._accounts

    def add(self, entry: Entry) -> None:
        """Wait behind the account's others, or with those of the same content."""
        self._entries += 1
        key = _share_key(entry)
        if key is not None and (group := self._shared.get(key)) is not None:
            group.append(entry)
            return
        group = deque((entry,))
        if key is not None:
            self._shared[key] = group
        self.groups += 1
        self._accounts.setdefault(entry.job.account_id, deque()).append(group)

    def put_back(self, entries: Sequence[Entry]) -> None:
        """Wait again, in front of the account's others."""
        if entries:
            self._entries += len(entries)
            self.groups += 1
            self._accounts.setdefault(entries[0].job.account_id, deque()).appendleft(deque(entries))

    def take(self, limit: int) -> Sequence[Entry]:
        """
        The next transaction's: jobs of one content, or one job.

        @param limit: how many at most; the rest of a group waits for its account's next turn.
        """
        account, groups = self._accounts.popitem(last=False)
        group = groups.popleft()
        taken = [group.popleft() for _ in range(min(limit, len(group)))]
        self._entries -= len(taken)
        if group:
            groups.appendleft(group)
        else:
            self.groups -= 1
            self._forget(taken[0], group)
        if groups:
            self._accounts[account] = groups
        return taken

    def take_all(self) -> list[Entry]:
        """Everything."""
        everything = [entry for groups in self._accounts.values() for group in groups for entry in group]
        self._accounts.clear()
        self._shared.clear()
        self._entries = self.groups = 0
        return everything

    def _forget(self, entry: Entry, group: _Group) -> None:
        key = _share_key(entry)
        if key is not None and self._shared.get(key) is group:
            del self._shared[key]


def _share_key(entry: Entry) -> _ShareKey | None:
    key = entry.job.share_key
    # A recipient who needs SMTPUTF8 where it is not offered must not take the others down.
    return None if key is None else (entry.job.account_id, key, entry.job.needs_utf8)
