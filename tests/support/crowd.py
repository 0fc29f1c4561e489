"""Clients that hand in marked mails over STARTTLS and AUTH, whatever happens to the server, and keep account of it."""

import hashlib
import random
import re
import smtplib
import ssl
import threading
import time
from collections import Counter
from collections.abc import Sequence

from attrs import define, field

from tests.support.installation import Installation
from tests.support.sink import Delivered

SENDER = "a@shop.example"

_MARK = re.compile(rb"(?m)^Subject: (mark-\d+)\r\n")


@define(eq=False)
class Crowd:
    """
    So many mails by so many clients; each mail has a number, and its body follows from that number.

    A client whose connection breaks comes back. A mail whose fate it does not know is not handed in again, so that
    whatever comes twice was repeated by the server.
    """

    it: Installation
    credentials: tuple[str, str]
    messages: int
    clients: int = 12
    first: int = 0
    """The number of the first mail."""
    gap_seconds: float = 0.0
    """How long each client rests after a mail."""
    acknowledged: set[str] = field(factory=set, init=False)
    tried: set[str] = field(factory=set, init=False)
    """Marks whose content may have been sent to the end."""
    refusals: Counter[int] = field(factory=Counter, init=False)
    """Replies other than 250 to the final dot, by code."""
    troubles: Counter[str] = field(factory=Counter, init=False)
    """What broke sessions off, which a restart does; it tells what clients met that make no progress."""
    _next: int = field(default=0, init=False)
    _untried: list[int] = field(factory=list, init=False)
    """Numbers whose sessions broke off before the content."""
    _is_over: bool = field(default=False, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)
    _threads: list[threading.Thread] = field(factory=list, init=False)
    _context: ssl.SSLContext = field(init=False)

    def __enter__(self) -> "Crowd":
        self._context = ssl.create_default_context(cafile=str(self.it.certificate))
        self._threads += [threading.Thread(target=self._run, daemon=True) for _ in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self.join(60)

    def join(self, seconds: float) -> None:
        """
        Wait until all mails have been tried.

        @raise AssertionError: clients are still at work.
        """
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        assert not any(thread.is_alive() for thread in self._threads), "clients hang"

    def wait_acknowledged(self, count: int, seconds: float = 60.0) -> None:
        """Wait until so many were acknowledged."""
        end = time.monotonic() + seconds
        while len(self.acknowledged) < count:
            assert time.monotonic() < end, f"{count} not reached: {self._progress}\n{self.it.log.read_text()}"
            time.sleep(0.002)

    @property
    def _progress(self) -> str:
        done = f"{len(self.acknowledged)} of {self._next} begun were acknowledged"
        return f"{done}, refusals {dict(self.refusals)}, troubles {dict(self.troubles)}"

    def _take(self) -> int | None:
        with self._lock:
            if self._is_over:
                return None
            if self._untried:
                return self._untried.pop()
            if self._next >= self.messages:
                return None
            self._next += 1
            return self.first + self._next - 1

    def _run(self) -> None:
        while (self._untried or self._next < self.messages) and not self._is_over:
            try:
                self._session()
            except (OSError, smtplib.SMTPException) as trouble:
                with self._lock:
                    self.troubles[repr(trouble)] += 1
                time.sleep(0.02)

    def _session(self) -> None:
        client = smtplib.SMTP("localhost", self.it.smtp_port, timeout=30)
        try:
            client.starttls(context=self._context)
            client.login(*self.credentials)
            while (number := self._take()) is not None:
                self._try(client, number)
                time.sleep(self.gap_seconds)
            client.quit()
        finally:
            client.close()

    def _try(self, client: smtplib.SMTP, number: int) -> None:
        try:
            self._hand_in(client, number)
        except (OSError, smtplib.SMTPException):
            with self._lock:
                if f"mark-{number}" not in self.tried:
                    self._untried.append(number)
            raise

    def _hand_in(self, client: smtplib.SMTP, number: int) -> None:
        mark = f"mark-{number}"
        client.mail(SENDER)
        client.rcpt(f"r{number}@customer.example")
        with self._lock:
            self.tried.add(mark)
        try:
            code, text = client.data(content_of(number))
        except smtplib.SMTPDataError:
            # DATA was refused: no content was sent.
            self.tried.discard(mark)
            raise
        with self._lock:
            if code == 250:
                self.acknowledged.add(mark)
            else:
                self.refusals[code] += 1
        if code == 421:
            raise smtplib.SMTPServerDisconnected(text.decode())


def content_of(number: int) -> bytes:
    """The mail of a number: a body of up to some 6 KB that no other has, with dots where they hurt."""
    chance = random.Random(number)
    lines = [chance.randbytes(30).hex() for _ in range(chance.randrange(1, 100))]
    lines[chance.randrange(len(lines))] = "." * chance.randrange(1, 4)
    body = "".join(f"{line}\r\n" for line in lines)
    digest = hashlib.sha256(body.encode()).hexdigest()
    return f"From: {SENDER}\r\nSubject: mark-{number}\r\nX-Digest: {digest}\r\n\r\n{body}".encode()


@define(eq=False)
class Account:
    """What came of it, as the receiver saw it."""

    crowd: Crowd
    arrived: Sequence[Delivered]

    @property
    def marks(self) -> "Counter[str]":
        """How often each mail came."""
        return Counter(_mark(one.content) for one in self.arrived)

    @property
    def lost(self) -> set[str]:
        """Acknowledged and not arrived."""
        return self.crowd.acknowledged - set(self.marks)

    @property
    def ghosts(self) -> set[str]:
        """Arrived and never handed in."""
        return set(self.marks) - self.crowd.tried

    @property
    def repeated(self) -> int:
        """How many came more often than once, counted each time."""
        return sum(self.marks.values()) - len(self.marks)

    @property
    def altered(self) -> set[str]:
        """Arrived with another body or for somebody else."""
        return {_mark(one.content) for one in self.arrived if not _is_intact(one)}


def _mark(content: bytes) -> str:
    found = _MARK.search(content)
    return found[1].decode() if found else f"without a mark: {content[:200]!r}"


def _is_intact(one: Delivered) -> bool:
    number = int(_mark(one.content).removeprefix("mark-"))
    body = content_of(number).partition(b"\r\n\r\n")[2]
    return one.content.partition(b"\r\n\r\n")[2] == body and one.recipients == (f"r{number}@customer.example",)
