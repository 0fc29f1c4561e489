"""Tests of L{smtpeter.jsonlog}."""

import json
from io import StringIO
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.logger import ILogObserver, Logger, LogLevel, LogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.jsonlog import json_observer, observer


class _Unprintable:
    """Fails when it is to be shown."""

    @override
    def __str__(self) -> str:
        raise ValueError("no")

    @override
    def __repr__(self) -> str:
        raise ValueError("no")


class _Credentials:
    """Has a name that is shown and a password that is not."""

    username = "sender"
    password = "open sesame"

    @override
    def __repr__(self) -> str:
        return f"{self.username}:{self.password}"


class JSONLogTests(SynchronousTestCase):
    """Events as lines."""

    @override
    def setUp(self) -> None:
        self.file = StringIO()
        self.log = Logger("smtpeter.part", observer=LogPublisher(json_observer(self.file)))

    def line(self) -> dict[str, Any]:
        """The only line."""
        (line,) = self.file.getvalue().splitlines()
        self.assertTrue(line.isascii())
        found: dict[str, Any] = json.loads(line)
        return found

    def test_event(self) -> None:
        """An event has its time, level, namespace, message and the fields of the message under their names."""
        self.log.warn("accepted {id} of {size} for {who}", id="é\n1", size=12, who=None)
        said = self.line()
        self.assertRegex(said.pop("time"), r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$")
        self.assertEqual(
            said,
            {
                "level": "warn",
                "namespace": "smtpeter.part",
                "message": "accepted é\n1 of 12 for None",
                "fields": {"id": "é\n1", "size": 12, "who": None},
            },
        )

    def test_attributes(self) -> None:
        """A field of a value stands under its path, and what the message does not show is not written."""
        self.log.info("{login.username} came {at()}", login=_Credentials(), token="s3cret", at=lambda: 5)
        said = self.line()
        self.assertEqual((said["message"], said["fields"]), ("sender came 5", {"login.username": "sender", "at": 5}))
        for secret in ("sesame", "s3cret"):
            self.assertNotIn(secret, self.file.getvalue())

    def test_failure(self) -> None:
        """A fault of ours has its traceback, in the same line."""
        self.log.failure("{what} broke", Failure(ConnectionDone("gone")), what="it")
        said = self.line()
        self.assertEqual((said["level"], said["message"].partition("\n")[0]), ("critical", "it broke"))
        self.assertIn("ConnectionDone", said["traceback"])

    def test_hostile(self) -> None:
        """Values that cannot be shown, numbers that JSON lacks and broken formats cost no line."""
        self.log.info("{bad} {number}", bad=_Unprintable(), number=float("nan"))
        self.assertEqual(self.line()["fields"], {"bad": None, "number": "nan"})
        self.file.truncate(0)
        self.file.seek(0)
        self.log.info("{half", half=1)
        self.assertEqual(self.line()["fields"], {})

    def test_no_format(self) -> None:
        """What others log without a format is a line too."""
        publisher = LogPublisher(json_observer(self.file))
        publisher({"log_level": LogLevel.info, "log_format": "{log_text}", "log_text": "plain"})
        said = self.line()
        self.assertEqual((said["message"], said["fields"], said["time"]), ("plain", {}, ""))

    def test_factory(self) -> None:
        """The name that twistd is given makes an observer."""
        self.assertTrue(ILogObserver.providedBy(observer()))
