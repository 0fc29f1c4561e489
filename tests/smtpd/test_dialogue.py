"""What commands mean, where a whole session cannot show it."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.auth.credentials import CHALLENGERS
from smtpeter.smtpd.dialogue import Dialogue
from smtpeter.smtpd.envelope import open_transaction
from smtpeter.smtpd.exchange import begin_exchange
from tests.smtpd.support import SETTINGS, make_login


class BeginTLSTests(SynchronousTestCase):
    def test_everything_is_forgotten(self) -> None:
        """With TLS begins a session that knows nothing of what was said in clear, whatever it was."""
        dialogue = Dialogue(SETTINGS, CHALLENGERS, lambda address: False, offers_tls=True)
        dialogue.login, dialogue.helo = make_login(), "client.example"
        dialogue.transaction = open_transaction(None, "FROM:<>", 1000)
        dialogue.exchange, _ = begin_exchange(CHALLENGERS, "LOGIN")
        dialogue.begin_tls()
        self.assertTrue(dialogue.is_encrypted)
        self.assertEqual(
            (dialogue.login, dialogue.helo, dialogue.transaction, dialogue.exchange), (None, "", None, None)
        )
