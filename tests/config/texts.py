"""Reads configurations that have a host name already."""

from pathlib import PurePosixPath

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.config import ConfigurationError, Settings, read_settings

FOLDER = PurePosixPath("/etc/smtpeter")
MINIMAL = '[server]\nhostname = "mail.example.com"\n'


def read(text: str) -> Settings:
    """Read a file that has a host name already."""
    return read_settings(MINIMAL + text, FOLDER)


def faults(text: str, minimal: str = MINIMAL) -> list[str]:
    """The faults of a file as lines."""
    try:
        read_settings(minimal + text, FOLDER)
    except ConfigurationError as error:
        assert str(error) == "\n".join(map(str, error.faults))
        return [str(fault) for fault in error.faults]
    return []


class FaultTestCase(SynchronousTestCase):
    """Looks at single faults."""

    def check(self, text: str, *parts: str) -> None:
        """The file has one fault, whose line has these parts."""
        found = faults(text)
        self.assertEqual(len(found), 1, found)
        for part in parts:
            self.assertIn(part, found[0])
