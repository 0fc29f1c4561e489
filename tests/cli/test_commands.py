"""The commands that work on the database."""

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.cli.direct import run
from smtpeter.cli.events import PAGE, Choice, journal
from smtpeter.model.event import Event
from tests.cli.installed import Installed


class CommandTests(SynchronousTestCase):
    """On a new installation."""

    @override
    def setUp(self) -> None:
        self.it = Installed(self.mktemp())


class AccountTests(CommandTests):
    """C{account}"""

    def test_life(self) -> None:
        """An account is opened pending, approved, suspended and resumed."""
        opened = self.it.record("account", "create", "shop", "--pending")
        self.assertEqual((opened["name"], opened["standing"]), ("shop", "pending"))
        for command, standing in (("approve", "active"), ("suspend", "suspended"), ("resume", "active")):
            self.assertEqual(self.it.record("account", command, "shop")["standing"], standing)
        self.assertEqual([one["name"] for one in self.it.records("account", "list")], ["default", "shop"])

    def test_only_account(self) -> None:
        """The only account need not be named."""
        self.assertEqual(self.it.record("account", "suspend")["name"], "default")

    def test_for_people(self) -> None:
        """A person gets a table."""
        self.assertRegex(self.it.say("account", "list"), r"(?s)name +standing.*default +active")

    def test_refusals(self) -> None:
        """What cannot be is said in one line."""
        self.assertEqual(self.it.refusal("account", "create", "default"), "There is an account default already.")
        self.assertIn("no account x", self.it.refusal("account", "suspend", "x"))


class LoginTests(CommandTests):
    """C{login}"""

    def test_create(self) -> None:
        """Credentials are printed with the features that were asked for, and the password is nowhere else."""
        made = self.it.record("login", "create", "web", "--inlinecss", "--trackclicks")
        self.assertEqual(made["features"], ["inlinecss", "trackclicks"])
        self.assertRegex(made["username"], r"^\w{16}$")
        self.assertRegex(made["password"], r"^(\w{4} ){7}\w{4}$")
        self.assertNotIn(made["password"], self.it.say("login", "list", "--json") + self.it.say("login", "list"))

    def test_for_people(self) -> None:
        """A person is told that the password is shown once and has spaces."""
        said = self.it.say("login", "create", "web")
        self.assertRegex(said, r"(?m)^username: \w{16}$")
        self.assertRegex(said, r"(?m)^password: (\w{4} ){7}\w{4}$")
        self.assertIn("spaces count", said)

    def test_every_feature(self) -> None:
        """Each feature has its switch, on and off."""
        names = ["inlinecss", "trackclicks", "trackopens", "trackbounces", "preventscam"]
        self.assertEqual(self.it.record("login", "create", "web", *(f"--{name}" for name in names))["features"], names)
        for name in names:
            self.assertNotIn(name, self.it.record("login", "update", "web", f"--no-{name}")["features"])

    def test_images(self) -> None:
        """Images are hosted for a login or not; anything else is refused."""
        self.assertEqual(self.it.record("login", "create", "web", "--images", "hosted")["features"], ["images=hosted"])
        self.assertEqual(self.it.record("login", "update", "web", "--inlinecss")["features"][-1], "images=hosted")
        self.assertEqual(self.it.record("login", "update", "web", "--images", "default")["features"], ["inlinecss"])
        self.assertIn("'hosted'", self.it.refusal("login", "update", "web", "--images", "cloud", exit_code=2))

    def test_update_keeps(self) -> None:
        """An update changes only what is said, and must say something."""
        self.it.record("login", "create", "web", "--inlinecss")
        self.assertEqual(
            self.it.record("login", "update", "web", "--trackopens")["features"], ["inlinecss", "trackopens"]
        )
        self.assertIn("what to change", self.it.refusal("login", "update", "web", exit_code=2))

    def test_delete(self) -> None:
        """A deleted login is gone."""
        self.it.record("login", "create", "web")
        self.assertTrue(self.it.record("login", "delete", "web")["deleted"])
        self.assertEqual(self.it.records("login", "list"), [])
        self.assertIn("no login web", self.it.refusal("login", "delete", "web"))

    def test_accounts(self) -> None:
        """With several accounts one must be named, and a login belongs to it."""
        self.it.record("account", "create", "shop")
        self.assertIn("default, shop", self.it.refusal("login", "create", "web"))
        self.assertEqual(self.it.record("login", "create", "web", "--account", "shop")["account"], "shop")
        self.assertEqual(self.it.records("login", "list", "--account", "default"), [])

    def test_wrong_keys(self) -> None:
        """Without its keys nothing is made."""
        (self.it.folder / "secrets" / "password.key").unlink()
        self.assertIn("password.key is missing", self.it.refusal("login", "create", "web"))


class TokenTests(CommandTests):
    """C{token}"""

    def test_create(self) -> None:
        """A token is told once, with its scopes; a list does not show it."""
        made = self.it.record("token", "create", "web")
        self.assertRegex(made["token"], r"^[0-9a-z]{32}$")
        self.assertEqual(made["scopes"], ["send", "read", "manage"])
        listed = self.it.records("token", "list")
        self.assertEqual(listed, [{"name": "web", "account": "default", "scopes": ["send", "read", "manage"]}])
        self.assertRegex(self.it.say("token", "create", "shop"), r"(?m)^[0-9a-z]{32}$")

    def test_scopes(self) -> None:
        """Scopes are said one by one; there are no others."""
        made = self.it.record("token", "create", "web", "--scope", "read", "--scope", "send")
        self.assertEqual(made["scopes"], ["send", "read"])
        self.assertIn("write", self.it.refusal("token", "create", "x", "--scope", "write", exit_code=2))

    def test_delete(self) -> None:
        """A deleted token is gone; an account's token is no other's."""
        self.it.record("token", "create", "web")
        self.it.record("account", "create", "shop")
        self.assertIn("no token web", self.it.refusal("token", "delete", "web", "--account", "shop"))
        self.assertTrue(self.it.record("token", "delete", "web", "--account", "default")["deleted"])
        self.assertEqual(self.it.records("token", "list", "--account", "default"), [])


class DomainTests(CommandTests):
    """C{domain}"""

    def test_add(self) -> None:
        """A domain gets a key, whose record is shown; it is approved only with C{--approve}."""
        added = self.it.record("domain", "add", "Shop.Example")
        self.assertEqual((added["name"], added["approved"], added["selector"]), ("shop.example", False, "zero"))
        (record,) = added["records"]
        self.assertEqual((record["name"], record["type"]), ("zero._domainkey.shop.example", "TXT"))
        self.assertRegex(record["value"], r"^v=DKIM1; k=rsa; p=[A-Za-z0-9+/=]{390,}$")
        self.assertEqual(self.it.record("domain", "show", "shop.example"), added)
        self.assertEqual(self.it.records("domain", "list"), [added])

    def test_approve(self) -> None:
        """C{--approve} vouches for a new domain or one that waits, whose key stays; twice is refused."""
        key = self.it.record("domain", "add", "a.example")["records"]
        approved = self.it.record("domain", "add", "a.example", "--approve")
        self.assertEqual((approved["approved"], approved["records"]), (True, key))
        self.assertTrue(self.it.record("domain", "add", "b.example", "--approve")["approved"])
        self.assertIn("already", self.it.refusal("domain", "add", "a.example", "--approve"))
        self.assertIn("already", self.it.refusal("domain", "add", "b.example"))

    def test_for_people(self) -> None:
        """A person gets a line for the zone file, and the hosts that links and bounces use."""
        said = self.it.say("domain", "add", "shop.example")
        self.assertRegex(said, r'(?m)^zero\._domainkey\.shop\.example\. TXT "v=DKIM1; [^"]{1,250}" "[^"]+"$')
        self.assertIn("http://mail.example.com:8025, bounces come to mail.example.com", said)
        self.assertIn("not approved yet", said)

    def test_delete(self) -> None:
        """A deleted domain is gone."""
        self.it.record("domain", "add", "shop.example")
        self.assertTrue(self.it.record("domain", "delete", "Shop.example")["deleted"])
        self.assertEqual(self.it.records("domain", "list"), [])

    def test_refusals(self) -> None:
        """No domain, and one that is not there."""
        self.assertIn("not a domain name", self.it.refusal("domain", "add", "localhost"))
        self.assertIn("no domain a.example", self.it.refusal("domain", "show", "a.example"))

    def test_foreign_keys(self) -> None:
        """Sealed keys do not open with the keys of another installation, and the refusal says so."""
        self.it.record("domain", "add", "shop.example")
        (self.it.folder / "secrets" / "vault-0.key").write_text("00" * 32)
        self.assertIn("folder of keys", self.it.refusal("domain", "list"))


class QueueTests(CommandTests):
    """C{queue}, C{message} and C{events}"""

    def event(self, id: str, type: str = "deferral", **data: str) -> Event:
        """An event of a message."""
        return Event(
            message_id=id,
            account_id=1,
            type=type,  # type: ignore[arg-type]
            at=1_790_000_005.0,
            recipient=f"{id}@y.example",
            tags=("spring", "sale"),
            data=data,
        )

    def test_list(self) -> None:
        """Destinations with counts and times, the largest first."""
        self.assertIn("the queue is empty", self.it.say("queue", "list"))
        self.it.put("a", domain="x.example")
        self.it.put("b", "c")
        first, second = self.it.records("queue", "list")
        self.assertEqual((first["domain"], first["messages"]), ("y.example", 2))
        self.assertEqual((second["domain"], second["oldest_at"]), ("x.example", 1_790_000_000.0))
        self.assertIn("2026-09-21 14:13:20", self.it.say("queue", "list"))

    def test_of_account(self) -> None:
        """C{--account} shows one account's part; without it all is shown."""
        shop = self.it.record("account", "create", "shop")
        self.it.put("a")
        self.it.put("b", domain="x.example", account_id=shop["id"])
        self.assertEqual(
            [one["domain"] for one in self.it.records("queue", "list", "--account", "shop")], ["x.example"]
        )
        self.assertEqual(len(self.it.records("queue", "list")), 2)

    def test_show(self) -> None:
        """A message with its dialogue, without the control characters that a peer may send."""
        talk = "S: 450 4.2.0 \x1b[2Jlater\nC: QUIT"
        self.it.put("a", events=(self.event("a", transcript=talk),))
        said = self.it.say("queue", "show", "a")
        self.assertIn("recipient     a@y.example", said)
        self.assertIn("S: 450 4.2.0 \ufffd[2Jlater\nC: QUIT", said)
        shown = self.it.record("queue", "show", "a")
        self.assertEqual((shown["state"], shown["account"], shown["tags"]), ("queued", "default", ["spring", "sale"]))
        self.assertEqual(shown["events"][0]["data"]["transcript"], talk)
        self.assertEqual(self.it.record("message", "show", "a"), shown)
        self.it.put("b")
        self.assertIn("no attempt got as far as a dialogue", self.it.say("queue", "show", "b"))

    def test_message(self) -> None:
        """C{message show} tells its events, a line each."""
        self.it.put("a", events=(self.event("a", "attempt"), self.event("a", reply="450 4.2.0 later")))
        said = self.it.say("message", "show", "a")
        self.assertIn("2026-09-21 14:13:25 deferral a a@y.example reply='450 4.2.0 later'", said)
        self.assertLess(said.index("attempt a"), said.index("deferral a"))

    def test_suppressed(self) -> None:
        """A message to a listed address tells why it is held back; what is final has no time at which it expires."""
        self.it.put("a")
        self.it.say("suppression", "add", "b@y.example", "--description", "by phone")
        self.it.put("b")
        said = self.it.say("message", "show", "b")
        self.assertRegex(said, r"(?m)^state +suppressed$")
        self.assertRegex(said, r"(?m)^held back +on the suppression list since .*: manual; by phone$")
        self.assertNotRegex(said, r"(?m)^(last reply|expires) ")
        self.assertRegex(self.it.say("message", "show", "a"), r"(?m)^expires +2026-09-22 14:13:20$")

    def test_unknown_message(self) -> None:
        """An id that is none is said to be none."""
        for command in (("queue", "show"), ("message", "show"), ("queue", "retry")):
            self.assertEqual(self.it.refusal(*command, "zzz"), "There is no message zzz.")

    def test_retry(self) -> None:
        """One message, a domain, everything, or an account's part: it tells how many messages that concerns."""
        self.it.put("a", "b")
        self.it.put("c", domain="xn--bcher-kva.example")
        for arguments, count in (
            (("a",), 1),
            (("--domain", "Bücher.example"), 1),
            (("--domain", "none.example"), 0),
            (("--all",), 3),
            (("--all", "--account", "default"), 3),
        ):
            self.assertEqual(self.it.record("queue", "retry", *arguments), {"messages": count}, arguments)
        self.assertIn("1 queued message will", self.it.say("queue", "retry", "a"))

    def test_retry_of_what(self) -> None:
        """It must be said what to retry, in one way only; a domain must be one."""
        for arguments in ((), ("a", "--all"), ("--all", "--domain", "y.example")):
            self.assertIn("Say what", self.it.refusal("queue", "retry", *arguments, exit_code=2))
        self.it.refusal("queue", "retry", "--domain", "a..b", exit_code=2)

    def test_events(self) -> None:
        """All events in order, those of a message, those after an id, those of an account."""
        self.it.put("a", events=(self.event("a", "attempt"), self.event("a")))
        self.it.put("b", events=(self.event("b", "attempt", envelope="x"),))
        found = self.it.records("events")
        self.assertEqual([one["event"] for one in found], ["attempt", "deferral", "attempt"])
        self.assertEqual(
            found[2],
            {
                "id": found[2]["id"],
                "event": "attempt",
                "message_id": "b",
                "account": "default",
                "at": 1_790_000_005.0,
                "data": {"recipient": "b@y.example", "tags": "spring;sale", "envelope": "x"},
            },
        )
        self.assertEqual(self.it.records("events", "--message", "b"), found[2:])
        self.assertEqual(self.it.records("events", "--after", str(found[0]["id"])), found[1:])
        self.it.record("account", "create", "shop")
        self.assertEqual(self.it.records("events", "--account", "shop"), [])
        self.assertIn("2026-09-21 14:13:25 attempt b b@y.example envelope='x'", self.it.say("events"))


class FollowTests(SynchronousTestCase):
    """C{events --follow}"""

    def test_more_comes(self) -> None:
        """What is there comes first, page after page, then what comes while it waits, each once."""
        ids = list(range(1, 2 * PAGE + 2))

        class Reader:
            """Has the events with these ids."""

            async def events_after(
                self, cursor: int, limit: int, account_id: int | None = None, message_id: str | None = None
            ) -> list[Event]:
                return [event(id) for id in ids if id > cursor][:limit]

        def event(id: int) -> Event:
            return Event(id=id, message_id="m", account_id=1, type="open", at=0.0, recipient="r@y.example")

        class Interrupted(Exception):
            """As by a person."""

        def wait() -> None:
            if ids[-1] > 2 * PAGE + 2:
                raise Interrupted
            ids.extend((ids[-1] + 1, ids[-1] + 2))

        seen: list[int | None] = []

        async def follow() -> None:
            async for one in journal(Reader(), Choice(after=3), wait):
                seen.append(one.id)

        self.assertRaises(Interrupted, run, follow())
        self.assertEqual(seen, list(range(4, 2 * PAGE + 4)))
