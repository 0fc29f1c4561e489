"""Faults of the file as a whole, of its sections and keys."""

import re

from smtpeter.config import ConfigurationError, read_settings
from smtpeter.config.translation import NOT_YET
from tests.config.texts import FOLDER, MINIMAL, FaultTestCase, faults


class FaultTests(FaultTestCase):
    """Every fault is named with section, key, problem and remedy."""

    def test_all_at_once(self) -> None:
        """Syntax apart, all faults are told in one go, contradictions among them."""
        found = faults(
            '[smtp]\nmax_recipients = "many"\nbare_newline = "keep"\n[tls]\nkey = ""\n[web]\npublic_url = "ftp://x"\n'
            '[relay]\nport = 0\n[[relay.route]]\ndomain = "a.example"\n',
            "[server]\ncontact = 5\n",
        )
        found += faults('[smtp]\nmax_recipients = "many"\n[tls]\nkey = ""\n')
        starts = [re.match(r"\[[^\]]+\] \w+", line) for line in found]
        self.assertEqual(
            [match[0] for match in starts if match],
            [
                "[server] hostname",
                "[server] contact",
                "[smtp] max_recipients",
                "[smtp] bare_newline",
                "[web] public_url",
                "[relay] port",
                "[relay.route 1] host",
                "[tls] key",
                "[smtp] max_recipients",
                "[tls] key",
            ],
        )

    def test_contradictions_beside_what_is_missing(self) -> None:
        """A host name that is missing or wrong, and routes without a host, hide no contradiction."""
        rest = '[tls]\nkey = ""\n[[relay.route]]\nusername = "u"\n[[relay.route]]\nhost = "x"\n'
        told = ["[tls] key is empty", "[relay.route 1] password_file is not set", "[relay.route 2] domain * has"]
        for minimal in ("", "server = 3\n", "[server]\n", "[server]\nhostname = 5\n"):
            found = faults(rest, minimal)
            for begin in ("[server]", "[relay.route 1] host is missing", *told):
                self.assertEqual(len([line for line in found if line.startswith(begin)]), 1, (begin, found))
            self.assertEqual(len(found), 5, found)
        found = faults('[relay]\nroute = [3, 4]\n[tls]\nkey = ""\n')
        self.assertEqual([line.partition("] ")[0] for line in found], ["[relay.route 1", "[relay.route 2", "[tls"])

    def test_as_written(self) -> None:
        """A wrong value is shown as TOML writes it."""
        self.check("[smtp]\nmax_recipients = true\n", "max_recipients true is no")

    def test_fault_has_a_remedy(self) -> None:
        """What to do stands behind what is wrong."""
        for fault in faults("[smtp]\nmax_recipients = 0\nlisten = 3\nmax_conections = 5\n[relay]\nshaping = []\n"):
            self.assertRegex(fault, r"^\[\w+\] \w+ .+; .+")

    def test_syntax(self) -> None:
        """What is no TOML is told with its line."""
        self.check("[smtp\n", "no TOML", "line 3")

    def test_server_is_missing(self) -> None:
        """A file without its only necessary section says so."""
        self.assertEqual(faults("", ""), ["[server] is missing; add the section"])

    def test_unknown_key(self) -> None:
        """An unknown key is an error, with the likeliest known one."""
        self.check("[smtp]\nmax_recipient = 3\n", "[smtp] max_recipient", "did you mean max_recipients?")
        self.check("[smtp]\nzzz = 3\n", "zzz", "known are listen, listen_tls")

    def test_unknown_section(self) -> None:
        """So is an unknown section, and a key outside of all."""
        self.check("[stmp]\n", "[stmp]", "did you mean smtp?")
        self.assertIn("did you mean smtp?", faults("", "smpt = 3\n" + MINIMAL)[0])

    def test_section_is_a_table(self) -> None:
        """A section that is no table is refused, a list of routes that is none too."""
        self.assertIn("[smtp]", faults("", "smtp = 3\n" + MINIMAL)[0])
        self.check("[relay]\nroute = 3\n", "[relay.route]", "is no list")
        self.check("[relay]\nroute = [3]\n", "[relay.route 1]", "table")

    def test_not_supported_yet(self) -> None:
        """Keys that are designed and not built say just that."""
        for section, keys in NOT_YET.items():
            for key in keys:
                self.check(f"[{section}]\n{key} = 1\n", f"[{section}]", "not supported yet")

    def test_not_installed(self) -> None:
        """An engine that is not installed is a fault with its remedy, beside all others."""
        text = '[processing]\ninliner = "css-inline"\nworkers = 0\n'
        error = self.assertRaises(ConfigurationError, read_settings, MINIMAL + text, FOLDER, {"css-inline"})
        self.assertEqual(
            [str(fault) for fault in error.faults],
            [
                "[processing] workers 0 is not possible; it must be at least 1",
                '[processing] inliner "css-inline" is not installed; '
                "install it with pip install 'smtpeter[fast]', or write \"premailer\"",
            ],
        )
        self.check('[processing]\ninliner = "juice"\n', "inliner", 'possible are "premailer" or "css-inline"')

    def test_types(self) -> None:
        """Nothing is converted."""
        for text in (
            '[smtp]\nmax_recipients = "5"\n',
            "[smtp]\nmax_recipients = 5.0\n",
            "[smtp]\nmax_recipients = true\n",
            "[smtp]\nshow_client_address = 1\n",
            '[smtp]\nlisten = "tcp:25"\n',
            "[smtp]\nlisten = [25]\n",
            "[tls]\nfolder = false\n",
            '[processing]\ntimeout = "5"\n',
        ):
            self.check(text, "; write")

    def test_bounds(self) -> None:
        """Sizes, counts, times and ports have bounds, which the fault tells."""
        self.check("[smtp]\nmax_message_size = 3\n", "at least 1024")
        self.check("[smtp]\nmax_recipients = 0\n", "at least 1")
        self.check("[smtp]\ngreeting_delay = -1\n", "at least 0")
        self.check("[relay]\nport = 65536\n", "at most 65535")
        self.check("[relay]\nmax_age_hours = 0\n", "more than 0")
        self.check("[relay]\nmax_age_hours = nan\n", "max_age_hours")
        self.check("[processing]\nworkers = 0\n", "at least 1")
        self.check("[processing]\ntimeout = inf\n", "timeout")

    def test_choices(self) -> None:
        """A wrong word is answered with the right ones."""
        self.check('[smtp]\nbare_newline = "keep"\n', '"keep"', '"normalize" or "reject"')
        self.check('[submission]\nsender_domains = "no"\n', '"required" or "optional"')
        route = '[[relay.route]]\nhost = "x"\ntls = "yes"\n'
        self.check(route, "[relay.route 1] tls", '"none", "opportunistic", "require" or "verify"')
