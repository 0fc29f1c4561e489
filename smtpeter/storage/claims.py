"""
Claims messages that are due.

Due order is that of the index C{messages_due}. When so many unwanted messages stand in front that the first C{WINDOW}
yield too little, the lines (a line has the messages of one account to one domain) are visited one by one along
C{messages_waiting} instead: a dead destination or an account with a million messages delays no other.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from attrs import field, frozen
from sqlalchemy import Connection, Row, select, text, update

from smtpeter.model.message import Message, Queued
from smtpeter.model.queue import Node
from smtpeter.storage.contents import read_contents
from smtpeter.storage.rows import read_recipient, read_submission
from smtpeter.storage.suppressing import Listed, find_listed, hold_back
from smtpeter.storage.tables import IS_WAITING, messages, submissions
from smtpeter.suppression.rules import is_exempt

WINDOW = 10_000
"""How many index entries are read before turning to the other way; some two milliseconds."""

ROUNDS = 8
"""How often a claim looks for more when all that it has found was held back."""

MOST = 5_000
"""The most that is claimed at once, whatever is asked: texts of SQL have a limit of variables."""


@frozen(kw_only=True)
class Demand:
    """What a node wants to claim."""

    now: float
    limit: int
    max_bytes: int
    without_domains: frozenset[str] = frozenset()
    without_accounts: frozenset[int] = frozenset()

    def is_wanted(self, domain: str, account_id: int) -> bool:
        """Whether there is room for messages of that domain and account."""
        return domain not in self.without_domains and account_id not in self.without_accounts


@frozen(kw_only=True)
class Claimed:
    """What a node has got."""

    queued: list[Queued] = field(factory=list)
    suppressed: list[str] = field(factory=list)
    """The ids of messages that were ended instead."""


def claim(connection: Connection, node: Node, demand: Demand) -> Claimed:
    """
    Claim what is due, most overdue first, and read it. Where all that is due is held back by suppression lists, look
    further, a few times: a flood of such mail keeps no other waiting for long.
    """
    suppressed: list[str] = []
    for _ in range(ROUNDS):
        taken = _within(_lock(connection, _candidates(connection, demand)), demand.max_bytes)
        listed = _hold_back(connection, taken, demand.now)
        suppressed += listed
        if len(listed) < len(taken) or not taken:
            break
    kept = [row for row in taken if row.id not in listed]
    return Claimed(queued=_claim(connection, node, kept), suppressed=suppressed)


def _hold_back(connection: Connection, rows: Sequence[Row[Any]], now: float) -> Listed:
    """Those that are not to be sent any more, which it ends."""
    asked = ((row.id, row.account_id, row.recipient, row.domain) for row in rows if not is_exempt(row.source))
    listed = find_listed(connection, asked)
    if listed:
        mail = [(_message(row), read_submission(row, b"", ())) for row in rows if row.id in listed]
        hold_back(connection, listed, mail, now)
    return listed


def _claim(connection: Connection, node: Node, taken: Sequence[Row[Any]]) -> list[Queued]:
    if not taken:
        return []
    marked = update(messages).where(messages.c.id.in_([row.id for row in taken]))
    connection.execute(marked.values(node=node.id, epoch=node.epoch))
    return _read(connection, taken)


def _candidates(connection: Connection, demand: Demand) -> list[str]:
    limit = min(demand.limit, MOST)
    window = WINDOW if demand.without_domains or demand.without_accounts else limit
    first = (
        select(messages.c.id, messages.c.domain, messages.c.account_id)
        .where(IS_WAITING, messages.c.due_at <= demand.now)
        .order_by(messages.c.due_at)
        .limit(window)
    )
    if window == limit:
        # All of them are wanted: nodes that look at the same time do not look at the same.
        first = first.with_for_update(skip_locked=True)
    rows = connection.execute(first).all()
    ids = [row.id for row in rows if demand.is_wanted(row.domain, row.account_id)][:limit]
    if len(ids) >= limit or len(rows) < window:
        return ids
    return _from_lines(connection, demand, limit)


def _from_lines(connection: Connection, demand: Demand, limit: int) -> list[str]:
    """An equal share from the front of each line, the most overdue line first."""
    lines = _lines(connection, demand)[:limit]
    ids: list[str] = []
    for position, (domain, account_id) in enumerate(lines):
        share = max(1, (limit - len(ids)) // (len(lines) - position))
        query = (
            select(messages.c.id)
            .where(
                IS_WAITING,
                messages.c.domain == domain,
                messages.c.account_id == account_id,
                messages.c.due_at <= demand.now,
            )
            .order_by(messages.c.due_at)
        )
        ids += connection.scalars(query.limit(share))
    return ids


def _lines(connection: Connection, demand: Demand) -> list[tuple[str, int]]:
    """Wanted pairs of domain and account with something due, the most overdue first: some index seeks for each pair."""
    rows = connection.execute(_LINES, {"now": demand.now})
    return [(row.domain, row.account_id) for row in rows if demand.is_wanted(row.domain, row.account_id)]


# Two seeks for each step, since SQLite compares pairs of columns by the first alone here and would scan a whole domain.
_NEXT_ACCOUNT = f"""
    SELECT account_id FROM messages WHERE {IS_WAITING}
    AND domain = line.domain AND account_id > line.account_id ORDER BY account_id LIMIT 1
"""  # noqa: S608
_NEXT_DOMAIN = f"FROM messages WHERE {IS_WAITING} AND domain > line.domain ORDER BY domain, account_id LIMIT 1"
_LINES = text(f"""
    WITH RECURSIVE line(domain, account_id) AS (
        SELECT * FROM (
            SELECT domain, account_id FROM messages WHERE {IS_WAITING} ORDER BY domain, account_id LIMIT 1
        ) AS first_line
        UNION ALL
        SELECT
            CASE WHEN EXISTS ({_NEXT_ACCOUNT}) THEN line.domain ELSE (SELECT domain {_NEXT_DOMAIN}) END,
            COALESCE(({_NEXT_ACCOUNT}), (SELECT account_id {_NEXT_DOMAIN}))
        FROM line WHERE line.domain IS NOT NULL
    )
    SELECT domain, account_id, due_at FROM (
        SELECT domain, account_id, (
            SELECT due_at FROM messages WHERE {IS_WAITING}
            AND messages.domain = line.domain AND messages.account_id = line.account_id ORDER BY due_at LIMIT 1
        ) AS due_at FROM line WHERE domain IS NOT NULL
    ) AS fronts WHERE due_at <= :now ORDER BY due_at
""")  # noqa: S608


def _lock(connection: Connection, ids: Collection[str]) -> Sequence[Row[Any]]:
    """The candidates that no other node has taken meanwhile, with their submissions."""
    if not ids:
        return []
    query = (
        select(
            messages.c.id,
            messages.c.recipient,
            messages.c.dsn,
            messages.c.domain,
            messages.c.attempts,
            messages.c.last_reply,
            messages.c.submission_id,
            *(column for column in submissions.c if column.name != "id"),
        )
        .join_from(messages, submissions, submissions.c.id == messages.c.submission_id)
        .where(messages.c.id.in_(ids), IS_WAITING)
        .order_by(messages.c.due_at)
        .with_for_update(of=messages, skip_locked=True)
    )
    return connection.execute(query).all()


def _within(rows: Iterable[Row[Any]], max_bytes: int) -> list[Row[Any]]:
    """The first of them whose contents, each counted once, fit; one at least."""
    taken: list[Row[Any]] = []
    known: set[str] = set()
    size = 0
    for row in rows:
        if row.submission_id not in known:
            size += row.size_bytes
            if taken and size > max_bytes:
                break
            known.add(row.submission_id)
        taken.append(row)
    return taken


def _read(connection: Connection, rows: Sequence[Row[Any]]) -> list[Queued]:
    """Queued messages; those of one submission share it."""
    groups: dict[str, list[Row[Any]]] = {}
    for row in rows:
        groups.setdefault(row.submission_id, []).append(row)
    by_id = read_contents(connection, groups)
    found = {
        key: read_submission(group[0], by_id[key], [_message(row) for row in group]) for key, group in groups.items()
    }
    return [
        Queued(
            message=_message(row), submission=found[row.submission_id], attempts=row.attempts, last_reply=row.last_reply
        )
        for row in rows
    ]


def _message(row: Row[Any]) -> Message:
    return Message(id=row.id, recipient=read_recipient(row.recipient, row.dsn), domain=row.domain)
