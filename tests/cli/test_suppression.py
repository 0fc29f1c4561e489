"""Tests of C{smtpeter suppression}."""

from smtpeter.cli import suppression
from smtpeter.cli.direct import open_database, run
from smtpeter.model.suppression import Suppression, SuppressionReason
from smtpeter.storage.suppressions import StoredSuppressions
from tests.cli.test_commands import CommandTests


class SuppressionTests(CommandTests):
    """The commands on a database."""

    def add(self, *addresses: str, account_id: int = 1) -> None:
        """As a server does."""
        entries = [
            Suppression(
                account_id=account_id,
                address=address,
                reason=SuppressionReason.HARD_BOUNCE,
                at=1_790_000_000.0,
                message_id="m1",
                description="550 5.1.1 no such user",
            )
            for address in addresses
        ]

        async def work() -> None:
            database = open_database(self.it.settings.database.url)
            await StoredSuppressions(database=database).add(entries)
            await database.close()

        run(work())

    def addresses(self, *options: str) -> list[str]:
        return [one["address"] for one in self.it.records("suppression", "list", *options)]

    def test_life(self) -> None:
        """An address is put on the list, seen there, and taken off."""
        added = self.it.record("suppression", "add", "Joe@X.example", "--description", "by phone")
        known = {name: value for name, value in added.items() if name != "at"}
        self.assertEqual(
            known,
            {
                "address": "joe@x.example",
                "account": "default",
                "reason": "manual",
                "event": "",
                "message_id": "",
                "description": "by phone",
            },
        )
        self.assertEqual(self.it.records("suppression", "list"), [added])
        removed = self.it.record("suppression", "remove", "JOE@x.example")
        self.assertEqual(removed, {"address": "joe@x.example", "account": "default", "removed": True})
        self.assertEqual(self.it.records("suppression", "list"), [])

    def test_for_people(self) -> None:
        """Sentences and a table, with the time in UTC; an empty list is said to be one."""
        self.assertEqual(self.it.say("suppression", "list"), "the suppression list of account default is empty\n")
        said = self.it.say("suppression", "add", "joe@x.example", "--reason", "unsubscribe")
        self.assertRegex(said, r"^joe@x.example is on the list of account default since \d{4}-.* \(unsubscribe\)\n$")
        self.add("ann@x.example")
        header, _, first, second = [line.split() for line in self.it.say("suppression", "list").strip().splitlines()]
        self.assertEqual(header, ["address", "reason", "since", "message", "description"])
        self.assertEqual(first[:2], ["ann@x.example", "hard_bounce"])
        self.assertIn("2026-09-21 14:13:20", " ".join(first))
        self.assertEqual(first[-5:], ["m1", "550", "5.1.1", "no", "such", "user"][-5:])
        self.assertEqual(second[:2], ["joe@x.example", "unsubscribe"])
        said = self.it.say("suppression", "remove", "joe@x.example")
        self.assertEqual(said, "joe@x.example is off the list of account default\n")

    def test_of_server(self) -> None:
        """What a server put there tells its message, its event and its time; adding it again changes nothing."""
        self.add("ann@x.example")
        (told,) = self.it.records("suppression", "list")
        self.assertEqual((told["event"], told["message_id"], told["at"]), ("failure", "m1", 1_790_000_000.0))
        self.assertEqual(self.it.record("suppression", "add", "ann@x.example"), told)

    def test_pages(self) -> None:
        """A list is shown whole, however many are read at once; of one reason only those."""
        self.patch(suppression, "PAGE", 2)
        self.add(*(f"{place}@x.example" for place in range(5)))
        self.it.say("suppression", "add", "2@x.example", "--reason", "complaint")
        self.assertEqual(self.addresses(), [f"{place}@x.example" for place in range(5)])
        self.assertEqual(self.addresses("--reason", "hard_bounce"), [f"{one}@x.example" for one in (0, 1, 3, 4)])
        self.assertEqual(self.addresses("--reason", "complaint"), ["2@x.example"])

    def test_none_of_a_reason(self) -> None:
        """Where others are listed, but none for the reason that is asked for, the list is not said to be empty."""
        self.add("ann@x.example")
        said = self.it.say("suppression", "list", "--reason", "complaint")
        self.assertEqual(said, "no address is on the suppression list of account default for the reason complaint\n")

    def test_accounts(self) -> None:
        """Each account has its own list; where there are several it must be said whose."""
        self.it.say("account", "create", "other")
        self.it.say("suppression", "add", "joe@x.example", "--account", "other")
        self.assertEqual(
            (self.addresses("--account", "default"), self.addresses("--account", "other")), ([], ["joe@x.example"])
        )
        self.it.refusal("suppression", "remove", "joe@x.example", "--account", "default")
        self.assertIn("say which one", self.it.refusal("suppression", "list"))

    def test_refusals(self) -> None:
        """What is no address, not on the list, or no reason, is refused with a sentence."""
        self.assertIn("This is no e-mail address", self.it.refusal("suppression", "add", "joe"))
        self.assertIn("This is no e-mail address", self.it.refusal("suppression", "remove", "joe"))
        refused = self.it.refusal("suppression", "remove", "joe@x.example")
        self.assertEqual(refused, "joe@x.example is not on the suppression list of the account default.")
        self.it.refusal("suppression", "add", "joe@x.example", "--reason", "because", exit_code=2)
        self.assertEqual(self.addresses(), [])
