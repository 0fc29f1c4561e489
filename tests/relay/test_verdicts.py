"""Replies mean what the table of reply classes says."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.outcome import Reply, Stage
from smtpeter.relay.verdicts import (
    MAX_HINT,
    classify,
    counts_against_site,
    retry_hint,
    telling_code,
    wants_fewer_recipients,
)

# Code, enhanced code, text, stage; reason, fault.
TABLE: list[tuple[int, str, str, Stage, str, str]] = [
    (550, "5.1.1", "", "rcpt", "user_unknown", "hard"),
    (450, "4.1.1", "", "rcpt", "user_unknown", "soft"),
    (550, "5.1.2", "", "rcpt", "domain_unknown", "hard"),
    (550, "5.1.10", "", "rcpt", "domain_unknown", "hard"),
    (556, "", "", "rcpt", "domain_unknown", "hard"),
    (521, "", "", "greeting", "domain_unknown", "hard"),
    (553, "5.1.3", "", "rcpt", "user_unknown", "hard"),
    (551, "5.1.6", "", "rcpt", "user_unknown", "hard"),
    (551, "", "", "rcpt", "user_unknown", "hard"),
    (550, "5.7.17", "", "rcpt", "user_unknown", "hard"),
    (550, "5.7.18", "", "rcpt", "user_unknown", "hard"),
    (550, "5.2.1", "", "rcpt", "mailbox_disabled", "soft"),
    (550, "5.7.13", "", "rcpt", "mailbox_disabled", "soft"),
    (452, "4.2.2", "", "rcpt", "mailbox_full", "soft"),
    (552, "5.2.2", "", "rcpt", "mailbox_full", "soft"),
    (552, "5.3.4", "", "message", "too_large", "policy"),
    (552, "5.2.3", "", "message", "too_large", "policy"),
    (552, "", "over quota", "rcpt", "mailbox_full", "soft"),
    (552, "", "message size exceeds fixed maximum", "message", "too_large", "policy"),
    (550, "5.1.7", "", "mail", "rejected", "policy"),
    (450, "4.1.8", "", "mail", "rejected", "policy"),
    (451, "4.3.1", "", "mail", "network", "transport"),
    (451, "4.3.2", "", "mail", "network", "transport"),
    (451, "4.3.5", "", "mail", "network", "transport"),
    (451, "4.4.1", "", "mail", "network", "transport"),
    (451, "4.4.2", "", "mail", "network", "transport"),
    (451, "4.4.5", "", "mail", "network", "transport"),
    (421, "", "", "mail", "network", "transport"),
    (451, "4.4.3", "", "rcpt", "network", "transport"),
    (550, "5.4.4", "", "rcpt", "network", "transport"),
    (554, "5.4.6", "", "message", "loop", "policy"),
    (554, "5.4.7", "", "message", "expired", "soft"),
    (501, "5.5.4", "", "mail", "protocol", "policy"),
    (452, "4.5.3", "", "rcpt", "protocol", "policy"),
    (554, "5.6.0", "", "message", "policy", "policy"),
    (553, "5.6.7", "", "mail", "policy", "policy"),
    (450, "4.7.1", "greylisted", "rcpt", "policy", "transport"),
    (550, "5.7.1", "denied", "message", "policy", "policy"),
    (550, "5.7.1", "this looks like spam", "message", "spam", "policy"),
    (550, "5.7.1", "no such user", "rcpt", "user_unknown", "policy"),
    (550, "5.7.26", "", "message", "policy", "policy"),
    (550, "", "whatever", "rcpt", "undefined", "soft"),
    (550, "", "User unknown", "rcpt", "user_unknown", "hard"),
    (550, "5.0.0", "see 5.1.1 there", "rcpt", "user_unknown", "hard"),
    (554, "", "#5.7.1 blocked by a blacklist", "message", "spam", "policy"),
]


class ClassifyTests(SynchronousTestCase):
    def test_table(self) -> None:
        """Every row of the specification holds."""
        for code, enhanced, text, stage, reason, fault in TABLE:
            verdict = classify(Reply(code=code, enhanced=enhanced, text=text), stage)
            self.assertEqual((verdict.reason, verdict.fault), (reason, fault), (code, enhanced, text))

    def test_hard_is_permanent(self) -> None:
        """Nothing temporary is hard."""
        for code, enhanced, text, stage, _, _ in TABLE:
            if code < 500:
                self.assertFalse(classify(Reply(code=code, enhanced=enhanced, text=text), stage).is_hard)


class TellingCodeTests(SynchronousTestCase):
    def test_own(self) -> None:
        """A specific code of the reply's own is taken."""
        self.assertEqual(telling_code(Reply(code=550, enhanced="5.7.1", text="5.1.1")), "5.7.1")

    def test_in_text(self) -> None:
        """Behind a generic code, or none, the one in the text is taken, if its class is the reply's."""
        self.assertEqual(telling_code(Reply(code=550, enhanced="5.0.0", text="(#5.2.2)")), "5.2.2")
        self.assertEqual(telling_code(Reply(code=550, text="said: 5.1.1.")), "5.1.1")
        self.assertEqual(telling_code(Reply(code=550, text="said: 4.2.2")), "")

    def test_no_addresses(self) -> None:
        """IP addresses and versions are no codes."""
        self.assertEqual(telling_code(Reply(code=550, text="5.1.1.9 5.96.1 x5.1.1 10.5.1.1")), "")


BEFORE_RECIPIENT: tuple[Stage, ...] = ("greeting", "ehlo", "mail")
AFTER_RECIPIENT: tuple[Stage, ...] = ("rcpt", "data", "message")


class SiteTests(SynchronousTestCase):
    def test_counts(self) -> None:
        """A 421 anywhere, and what says that we send too much, counts against the site."""
        self.assertTrue(counts_against_site(Reply(code=421), "rcpt"))
        self.assertTrue(counts_against_site(Reply(code=450, enhanced="4.7.0", text="rate limited"), "rcpt"))
        self.assertTrue(counts_against_site(Reply(code=451, enhanced="4.3.2"), "mail"))

    def test_does_not_count(self) -> None:
        """A recipient's own trouble, greylisting, and anything permanent does not."""
        self.assertFalse(counts_against_site(Reply(code=450, enhanced="4.2.1"), "rcpt"))
        self.assertFalse(counts_against_site(Reply(code=450, enhanced="4.7.1", text="Greylisted"), "mail"))
        self.assertFalse(counts_against_site(Reply(code=554, text="rate"), "message"))

    def test_once_a_recipient_is_named(self) -> None:
        """The same trouble of the way is the site's before the first recipient, and that recipient's from then on."""
        for reply in (Reply(code=451, enhanced="4.4.1"), Reply(code=450, enhanced="4.7.1"), Reply(code=451, text="x")):
            for stage in AFTER_RECIPIENT:
                self.assertFalse(counts_against_site(reply, stage), (reply, stage))
        for stage in BEFORE_RECIPIENT:
            self.assertTrue(counts_against_site(Reply(code=451, enhanced="4.4.1"), stage))

    def test_fewer_recipients(self) -> None:
        """452 and 552 for too many recipients ask for another transaction."""
        self.assertTrue(wants_fewer_recipients(Reply(code=452, enhanced="4.5.3")))
        self.assertTrue(wants_fewer_recipients(Reply(code=552, text="Too many recipients")))
        self.assertFalse(wants_fewer_recipients(Reply(code=452, enhanced="4.2.2")))


class HintTests(SynchronousTestCase):
    def test_hints(self) -> None:
        """Seconds, minutes and hours are understood."""
        for text, seconds in (
            ("please try again in 5 minutes", 300.0),
            ("Greylisted, retry in 90 seconds", 90.0),
            ("come back in 2 hours", 7200.0),
            ("try again after 30s", 30.0),
            ("try again in 99999 hours", MAX_HINT),
        ):
            self.assertEqual(retry_hint(Reply(code=450, text=text)), seconds, text)

    def test_none(self) -> None:
        """Other words, and permanent replies, hold no hint."""
        self.assertIsNone(retry_hint(Reply(code=450, text="try again later")))
        self.assertIsNone(retry_hint(Reply(code=450, text="try again in 0 seconds")))
        self.assertIsNone(retry_hint(Reply(code=550, text="try again in 5 minutes")))
