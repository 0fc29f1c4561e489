"""Mail programs: dialogues that were recorded from them, and dialogues in the manner of those that cannot run here."""

import ssl

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.message import Draft
from tests.smtpd import manners, recorded
from tests.smtpd.manners import BODY, CONTENT
from tests.smtpd.replay import Dialogue, replay
from tests.smtpd.support import PLAIN, Site


def sent(dialogue: Dialogue) -> list[bytes]:
    """The contents that the program meant: what follows each DATA, without its final dot and doubled dots."""
    turns = [octets for octets, _ in dialogue]
    data = [b"".join(turns[at + 1 : at + 3]) for at, turn in enumerate(turns) if turn == b"DATA\r\n"]
    return [octets[: octets.index(b"\r\n.\r\n") + 2].replace(b"\r\n..", b"\r\n.") for octets in data]


class RecordedPrograms(SynchronousTestCase):
    """Each is served as it was when it was recorded."""

    def replay_two(self, dialogue: Dialogue, is_encrypted: bool = False) -> list[Draft]:
        """The two messages that were accepted; they are what the program sent."""
        drafts = replay(dialogue, is_encrypted).intake.drafts
        self.assertEqual([draft.content for draft in drafts], sent(dialogue))
        self.assertIn(b"\r\n\r\nHello,\r\n.\r\n.dot\r\n", drafts[0].content)
        self.assertEqual([draft.reverse_path for draft in drafts], ["me@example.com"] * 2)
        self.assertEqual([draft.recipients[0].address for draft in drafts], ["you@example.org"] * 2)
        return drafts

    def check_notices(self, first: Draft, second: Draft) -> None:
        """The second one wants notices."""
        message_id = second.content.partition(b"\r\n")[0].removeprefix(b"Message-ID: ").decode()
        self.assertEqual((first.ret, first.envid, first.recipients[0].notify), (None, None, None))
        self.assertEqual((second.ret, second.envid), ("FULL", message_id))
        self.assertEqual(second.recipients[0].notify, {"SUCCESS", "FAILURE", "DELAY"})

    def test_thunderbird(self) -> None:
        """Thunderbird over STARTTLS: two messages on a kept connection, the second with a request for notices."""
        self.check_notices(*self.replay_two(recorded.THUNDERBIRD))

    def test_thunderbird_tls(self) -> None:
        """Thunderbird over implicit TLS: the same."""
        self.check_notices(*self.replay_two(recorded.THUNDERBIRD_TLS, is_encrypted=True))

    def test_thunderbird_test(self) -> None:
        """Thunderbird's test of a connection finds TLS and AUTH, and hands in nothing."""
        self.assertEqual(replay(recorded.THUNDERBIRD_TEST).intake.drafts, [])

    def test_javamail(self) -> None:
        """JavaMail: two messages, and NOOP between them."""
        self.replay_two(recorded.JAVAMAIL)


class MannersOfPrograms(SynchronousTestCase):
    """Each message arrives as it was meant."""

    def replay(self, dialogue: Dialogue, is_encrypted: bool = False) -> list[bytes]:
        """The contents that were accepted."""
        return [draft.content for draft in replay(dialogue, is_encrypted).intake.drafts]

    def test_outlook(self) -> None:
        """In the manner of Outlook: over implicit TLS."""
        self.assertEqual(self.replay(manners.OUTLOOK, is_encrypted=True), [CONTENT + b"\r\n"])

    def test_outlook_with_resets(self) -> None:
        """In the manner of Outlook: RSET, and begin again."""
        self.assertEqual(self.replay(manners.OUTLOOK_TEST), [CONTENT])

    def test_outlook_app(self) -> None:
        """In the manner of Outlook's app: a blank too many, and parameters that mean nothing here."""
        self.assertEqual(self.replay(manners.OUTLOOK_APP, is_encrypted=True), [CONTENT])

    def test_apple_mail(self) -> None:
        """In the manner of Apple Mail: to two recipients."""
        (draft,) = replay(manners.APPLE_MAIL).intake.drafts
        self.assertEqual((draft.content, len(draft.recipients)), (CONTENT, 2))

    def test_apple_mail_check(self) -> None:
        """In the manner of Apple Mail: a look whether the login works hands in nothing."""
        self.assertEqual(self.replay(manners.APPLE_MAIL_CHECK, is_encrypted=True), [])

    def test_older_apple_mail(self) -> None:
        """In the manner of older Apple Mail: address literals, valid or not."""
        self.assertEqual(self.replay(manners.OLDER_APPLE_MAIL), [CONTENT])

    def test_ios(self) -> None:
        """In the manner of iOS Mail: in small segments."""
        self.assertEqual(self.replay(manners.IOS, is_encrypted=True), [CONTENT + b"\r\n"])

    def test_older_ios(self) -> None:
        """In the manner of older iOS Mail: with an IPv6 literal."""
        self.assertEqual(self.replay(manners.OLDER_IOS, is_encrypted=True), [CONTENT + b"\r\n"])

    def test_android(self) -> None:
        """
        In the manner of Android's Email: a connection that ends without QUIT.

        It doubles no dots, so of the body's two dots, which it means as such, one arrives; this is its fault.
        """
        (draft,) = replay(manners.ANDROID).intake.drafts
        self.assertEqual((draft.content, len(draft.recipients)), (CONTENT + b"\r\n", 2))

    def test_thunderbird_for_android(self) -> None:
        """In the manner of Thunderbird for Android: MAIL and RCPT in one go."""
        (draft,) = replay(manners.THUNDERBIRD_FOR_ANDROID).intake.drafts
        self.assertEqual((draft.content, len(draft.recipients)), (CONTENT, 2))

    def test_odd_cases(self) -> None:
        """Commands are known in any case."""
        self.assertEqual(self.replay(manners.ODD_CASES, is_encrypted=True), [CONTENT + b"\r\n"])


class TLSInTheClear(SynchronousTestCase):
    """
    A new account in iOS is tried with TLS from the first byte first, also on port 587, as a published server log shows.
    """

    def client_hello(self) -> bytes:
        """How TLS begins."""
        octets = ssl.MemoryBIO()
        client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), octets, server_hostname="mail.example.com")
        self.assertRaises(ssl.SSLWantReadError, client.do_handshake)
        return octets.read()

    def test_tries_are_forgiven(self) -> None:
        """It is answered with errors at most, and never counts against the address, which then logs in."""
        site = Site()
        for at in range(site.settings.patience.address_failures + 1):
            client = site.greeted() if at % 2 else site.connect()
            answer = client.say(self.client_hello())
            self.assertEqual([line for line in answer.splitlines() if not line.startswith((b"500 ", b"554 "))], [])
            client.hang_up()
        client = site.ready()
        client.start_tls()
        client.say(b"EHLO smtpclient.apple\r\n")
        self.assertEqual(client.say(b"AUTH PLAIN " + PLAIN + b"\r\n"), b"235 2.7.0 Authentication successful\r\n")
        client.say(b"MAIL FROM:<me@example.com>\r\nRCPT TO:<you@example.org>\r\nDATA\r\n")
        client.say(BODY + b".\r\n")
        self.assertEqual([draft.content for draft in site.intake.drafts], [CONTENT])
