"""Suppression as senders see it: swaks, curl and smtplib against the server as a process, mail at a sink."""

import json
import subprocess
import urllib.request
from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from tests.functional.test_main_job import session
from tests.support.clients import tool
from tests.support.database import postgresql_url
from tests.support.installation import Installation, free_ports
from tests.support.rest import INSECURE, Client, client
from tests.support.sink import Sink

MAIL = "From: a@shop.example\r\nTo: x@y.example\r\nSubject: s\r\n\r\ntext\r\n"


def swaks(it: Installation, login: tuple[str, str], *recipients: str) -> str:
    """Send with swaks over STARTTLS. @return: the id in the answer to the content."""
    arguments = (
        *(tool("swaks"), "--server", f"localhost:{it.smtp_port}", "--tls", "--tls-ca-path", str(it.certificate)),
        *("--auth-user", login[0], "--auth-password", login[1], "--from", "a@shop.example"),
        *("--to", ",".join(recipients), "--header", "From: a@shop.example", "--suppress-data"),
    )
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.partition("250 2.0.0 Ok: queued as ")[2].split()[0]


def curl(asked: Client, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Ask with curl. @return: status and JSON."""
    arguments = [tool("curl"), "-s", "-X", method, "-w", "\n%{http_code}", "-H", f"Authorization: Bearer {asked.token}"]
    if body is not None:
        arguments += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    url = f"http://localhost:{asked.it.web_port}/v1/{path}"
    done = subprocess.run([*arguments, url], check=True, capture_output=True, text=True, timeout=60)
    answer, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(answer)


class SuppressionTests(SynchronousTestCase):
    """One server."""

    @override
    def setUp(self) -> None:
        self.refused: list[str] = []
        (self.port,) = free_ports(1)
        self.sink = Sink(answer_rcpt=self.answer)
        self.sink.__enter__()
        self.addCleanup(self.sink.__exit__)

    def answer(self, address: str) -> str:
        """Some are not there, which is noted; some may come later."""
        if address.startswith(("gone", "off")):
            self.refused.append(address)
            return "550 5.2.1 Off" if address.startswith("off") else "550 5.1.1 No such user"
        return "450 4.2.0 Later" if address.startswith("defer") and self.sink.is_deferring else "250 2.1.5 Ok"

    def opened(self, more: str = "") -> Installation:
        """A server with its next hop, and figures."""
        extra = f'[metrics]\nlisten = ["tcp:{self.port}:interface=127.0.0.1"]\n{more}'
        it = Installation(self.sink.port, web=INSECURE, extra=extra)
        it.__enter__()
        self.addCleanup(it.__exit__)
        return it

    def states(self, it: Installation) -> dict[str, list[str]]:
        """The events of each recipient, without those of notices."""
        found: dict[str, list[str]] = {}
        for event in it.events():
            found.setdefault(event["data"]["recipient"], []).append(event["event"])
        return found

    def test_refused_for_good(self) -> None:
        """
        After a hard failure the address gets nothing more, by SMTP and by REST: both are answered as ever, the others
        of the same mail get it, no second notice goes out, and everything that shows a message tells why.
        """
        it = self.opened()
        login, asked = it.sender("shop.example"), client(it)
        swaks(it, login, "gone@y.example")
        it.wait_events("failure")
        self.check_list(it, asked)
        self.assertEqual(len(self.sink.wait_for(1)), 1, "the notice of the failure")
        swaks(it, login, "fine@y.example", "Gone@Y.example")
        status, ids = curl(
            asked,
            "POST",
            "send",
            {"recipients": ["gone@y.example", "ann@y.example"], "from": "a@shop.example", "text": "x", "tags": ["t"]},
        )
        self.assertEqual((status, sorted(ids.values())), (200, ["ann@y.example", "gone@y.example"]))
        it.wait_events("delivery", 3)
        it.wait_events("suppressed", 2)
        self.assertEqual(self.refused, ["gone@y.example"])
        reached = sorted(one.recipients for one in self.sink.wait_for(3))
        self.assertEqual(reached, [("a@shop.example",), ("ann@y.example",), ("fine@y.example",)])
        (message_id,) = [one for one, address in ids.items() if address.startswith("gone")]
        self.check_message(it, asked, message_id)
        self.check_figures()
        self.check_restart(it, message_id)

    def check_list(self, it: Installation, asked: Client) -> None:
        """The entry tells the message, the time of its failure, and the reply."""
        (failure,) = it.events("failure")
        status, (entry,) = curl(asked, "GET", "suppressions")
        self.assertEqual(status, 200)
        self.assertEqual((entry["address"], entry["reason"]), ("gone@y.example", "hard_bounce"))
        self.assertEqual((entry["message"], entry["event"]), (failure["message_id"], "failure"))
        self.assertEqual(entry["description"], "550 5.1.1 No such user")
        (line,) = it.listed("suppression", "list")
        self.assertEqual((line["at"], line["message_id"]), (failure["at"], failure["message_id"]))

    def check_message(self, it: Installation, asked: Client, message_id: str) -> None:
        """It can be read like any other; its event is in the extended form and on its page."""
        self.assertEqual(asked.get(f"/v1/recipient/{message_id}").body, b"gone@y.example")
        self.assertEqual(asked.get(f"/v1/text/{message_id}").body.strip(), b"x")
        self.assertIn(b"From: a@shop.example", asked.get(f"/v1/mime/{message_id}").body)
        _, plain = curl(asked, "GET", f"events/messageid/{message_id}")
        self.assertEqual([one["event"] for one in plain], ["attempt"])
        for question in (f"messageid/{message_id}", "tags/t"):
            _, told = curl(asked, "GET", f"events/{question}?extended=1")
            (event,) = [one["data"] for one in told if one["event"] == "suppressed"]
            self.assertEqual((event["id"], event["recipient"], event["tags"]), (message_id, "gone@y.example", "t"))
            self.assertEqual((event["reason"], event["description"]), ("hard_bounce", "550 5.1.1 No such user"))
        shown = it.cli("message", "show", message_id)
        self.assertEqual((shown["state"], shown["attempts"], shown["next_attempt_at"]), ("suppressed", 0, None))
        self.assertIn("on the suppression list since", shown["last_reply"])
        self.assertIn(f"{message_id} is suppressed", it.log.read_text())
        self.assertEqual(it.listed("queue", "list"), [])

    def check_figures(self) -> None:
        """What was held back is counted as accepted, and as suppressed."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        self.assertIn('smtpeter_settled_messages_total{outcome="suppressed"} 2.0', text)
        self.assertIn('smtpeter_accepted_messages_total{source="smtp"} 3.0', text)
        self.assertIn('smtpeter_accepted_messages_total{source="rest"} 2.0', text)

    def check_restart(self, it: Installation, message_id: str) -> None:
        """A crash changes nothing of it."""
        it.kill()
        it.start()
        self.assertEqual(it.cli("message", "show", message_id)["state"], "suppressed")
        self.assertEqual(len(it.events("suppressed")), 2)
        self.assertEqual(self.refused, ["gone@y.example"])
        it.stop()

    def test_by_hand(self) -> None:
        """An address that is put on the list gets nothing, also what waits for it; taken off, it gets mail again."""
        it = self.opened()
        login, asked = it.sender("shop.example"), client(it)
        with session(it, *login) as smtp:
            smtp.sendmail("a@shop.example", ["defer@straße.example", "defer@y.example"], MAIL, ["SMTPUTF8"])
        it.wait_events("deferral", 2)
        status, entry = curl(asked, "POST", "suppressions", {"address": "Defer@Straße.example", "description": "left"})
        self.assertEqual((status, entry["address"]), (200, "defer@xn--strae-oqa.example"))
        self.sink.is_deferring = False
        it.cli("queue", "retry", "--all")
        (event,) = it.wait_events("suppressed")
        it.wait_events("delivery")
        self.assertEqual((event["data"]["recipient"], event["data"]["description"]), ("defer@straße.example", "left"))
        self.assertEqual([one.recipients for one in self.sink.wait_for(1)], [("defer@y.example",)])
        self.assertIn(f"{event['message_id']} is suppressed", it.log.read_text())
        self.assertEqual(curl(asked, "DELETE", "suppressions/defer@straße.example")[0], 200)
        self.assertEqual(curl(asked, "GET", "suppressions"), (200, []))
        swaks(it, login, "defer@xn--strae-oqa.example")
        self.assertEqual(self.sink.wait_for(2)[1].recipients, ("defer@xn--strae-oqa.example",))
        it.stop()

    def test_second_time(self) -> None:
        """A mailbox that is switched off comes on the list with the second message; mail to others is no matter."""
        it = self.opened()
        login = it.sender("shop.example")
        for count in (1, 2):
            swaks(it, login, "off@y.example")
            it.wait_events("failure", count)
            self.assertEqual(len(it.listed("suppression", "list")), count - 1)
        swaks(it, login, "off@y.example")
        it.wait_events("suppressed")
        self.assertEqual(self.refused, ["off@y.example"] * 2)

    def test_switched_off(self) -> None:
        """Where the operator wants no hard bounces on the list they are tried each time; by hand it still works."""
        it = self.opened('[suppression]\nreasons = ["complaint"]\n')
        login = it.sender("shop.example")
        for count in (1, 2):
            swaks(it, login, "gone@y.example")
            it.wait_events("failure", count)
        self.assertEqual(it.listed("suppression", "list"), [])
        it.cli("suppression", "add", "gone@y.example")
        swaks(it, login, "gone@y.example")
        it.wait_events("suppressed")
        self.assertEqual(self.refused, ["gone@y.example"] * 2)

    def test_other_account(self) -> None:
        """What one account may not write to another may."""
        it = self.opened()
        login, asked = it.sender("shop.example"), client(it)
        it.cli("account", "create", "other")
        other = Client(it, it.cli("token", "create", "t", "--account", "other")["token"])
        self.assertEqual(curl(other, "POST", "suppressions", {"address": "ann@y.example"})[0], 200)
        self.assertEqual(curl(asked, "GET", "suppressions"), (200, []))
        self.assertEqual(curl(asked, "DELETE", "suppressions/ann@y.example")[0], 404)
        swaks(it, login, "ann@y.example")
        self.assertEqual(self.sink.wait_for(1)[0].recipients, ("ann@y.example",))


class ClusterTests(SynchronousTestCase):
    """Two servers on one PostgreSQL."""

    def test_seen_at_once(self) -> None:
        """What one server has put on the list the other holds back from the next mail on, and lets through again."""
        url = postgresql_url(self.addCleanup)
        with (
            Sink() as sink,
            Installation(sink.port, web=INSECURE, database=url) as one,
            Installation(sink.port, web=INSECURE, database=url, is_started=False) as two,
        ):
            two.take_secrets(one)
            two.start()
            login, asked = one.sender("shop.example"), client(one)
            for count in range(1, 4):
                address = f"r{count}@y.example"
                self.assertEqual(curl(asked, "POST", "suppressions", {"address": address})[0], 200)
                swaks(two, login, address, f"fellow{count}@y.example")
                self.assertEqual([len(it.events("suppressed")) for it in (one, two)], [count, count])
                self.assertEqual(curl(Client(two, asked.token), "DELETE", f"suppressions/{address}")[0], 200)
                swaks(one, login, address)
            reached = {recipient for arrived in sink.wait_for(6) for recipient in arrived.recipients}
            self.assertEqual(reached, {f"{name}{count}@y.example" for name in ("r", "fellow") for count in range(1, 4)})
            for it in (one, two):
                it.stop()
