"""
The functional tests with PostgreSQL in the place of SQLite, from acceptance to events, with crashes and signals.

C{test_postgresql} has the main job, the loss of the database and several servers. On SQLite alone run the tests of its
file (full disk, lock, trace of the fsync, C{backup}) and of what does not depend on the database, or is seen with both
in the storage suite: how clients and runners behave, how mail and requests are read, previews, spellings of sender
domains, clocks, figures, hosted images, revoked tokens, files that run out, turns among destinations.
"""

import sys
from typing import TYPE_CHECKING, Any

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from tests.functional import (
    test_datarequest,
    test_delivery,
    test_durability,
    test_faults_signals,
    test_monitor,
    test_rest,
    test_rest_accounts,
    test_rest_reading,
    test_rest_together,
    test_smtp_queue,
    test_suppression,
    test_unsubscribe,
    test_workers_killed,
)
from tests.support import installation
from tests.support.database import postgresql_url

if TYPE_CHECKING:
    _Case = SynchronousTestCase
else:
    _Case = object


class OnPostgreSQL(_Case):
    """Mixed into a test case, gives each installation that it makes a database of its own on PostgreSQL."""

    @override
    def setUp(self) -> None:
        def install(*arguments: Any, **more: Any) -> installation.Installation:
            more.setdefault("database", postgresql_url(self.addCleanup))
            return installation.Installation(*arguments, **more)

        for module in {sys.modules[one.__module__] for one in type(self).__mro__}:
            if getattr(module, "Installation", None) is installation.Installation and module is not installation:
                self.patch(module, "Installation", install)
        super().setUp()


class CrashTests(OnPostgreSQL, test_durability.CrashTests):
    """C{kill -9}."""


class SignalTests(OnPostgreSQL, test_faults_signals.SignalTests):
    """SIGTERM and SIGHUP under load."""


class KilledWorkersTests(OnPostgreSQL, test_workers_killed.KilledWorkersTests):
    """Processes that prepare mail."""


class OutcomeTests(OnPostgreSQL, test_delivery.OutcomeTests):
    """What becomes of messages."""


class SenderDomainTests(OnPostgreSQL, test_delivery.SenderDomainTests):
    """Who may send as whom."""


class SharingTests(OnPostgreSQL, test_delivery.SharingTests):
    """Several recipients of one submission."""


class NoticeTests(OnPostgreSQL, test_smtp_queue.NoticeTests):
    """Notices to senders."""


class SuppressionTests(OnPostgreSQL, test_suppression.SuppressionTests):
    """Lists."""


class UnsubscribeTests(OnPostgreSQL, test_unsubscribe.UnsubscribeTests):
    """Readers who want no more."""


class SendTests(OnPostgreSQL, test_rest.SendTests):
    """Mail by REST."""


class OnceTests(OnPostgreSQL, test_rest.OnceTests):
    """Mail by REST that is handed in again."""


class ReadingTests(OnPostgreSQL, test_rest_reading.ReadingTests):
    """What was sent, and its events, by REST."""


class SeparationTests(OnPostgreSQL, test_rest_accounts.SeparationTests):
    """Accounts."""


class TogetherTests(OnPostgreSQL, test_rest_together.TogetherTests):
    """All features in one mail."""


class DataRequestTests(OnPostgreSQL, test_datarequest.DataRequestTests):
    """Data requests."""


class MonitorTests(OnPostgreSQL, test_monitor.MonitorTests):
    """Their monitors."""
