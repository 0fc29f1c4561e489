"""An authoritative name server for tests, on a loopback port of its own, in a thread, with the records a test gives."""

import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from attrs import define, field


@define(eq=False)
class NameServer:
    """
    C{with NameServer({("example.com", "MX"): ["10 mx.example.com."]}) as server:} answers by UDP.

    A name without any record is NXDOMAIN; a name in C{failing} is SERVFAIL; one in C{silent} gets no answer.
    """

    records: dict[tuple[str, str], list[str]]
    failing: set[str] = field(factory=set)
    silent: set[str] = field(factory=set)
    questions: list[tuple[str, str]] = field(factory=list, init=False)
    _socket: socket.socket = field(init=False, factory=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

    def __enter__(self) -> "NameServer":
        self._socket.bind(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self._socket.getsockname()[1])

    def _serve(self) -> None:
        while True:
            try:
                packet, peer = self._socket.recvfrom(4096)
                answer = self._answer(packet)
                if answer is not None:
                    self._socket.sendto(answer, peer)
            except OSError:
                return

    def _answer(self, packet: bytes) -> bytes | None:
        query = dns.message.from_wire(packet)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.questions.append((name, kind))
        if name in self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        if name in self.failing:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif not any(owner == name for owner, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        else:
            self._fill(response, question, name, kind)
        return response.to_wire()

    def _fill(self, response: dns.message.Message, question: dns.rrset.RRset, name: str, kind: str) -> None:
        for found in (kind, "CNAME"):
            if texts := self.records.get((name, found)):
                response.answer.append(dns.rrset.from_text(question.name, 300, "IN", found, *texts))
                return
