"""Tests of the state folder."""

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.assembly.lock import StateFolder, StateInUse


class StateFolderTests(SynchronousTestCase):
    """One server at a time, one identity for ever."""

    @override
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.path.mkdir()

    def test_lock(self) -> None:
        """A second one is told which process has it; a released one is free."""
        first, second = StateFolder(self.path), StateFolder(self.path)
        first.acquire()
        with self.assertRaises(StateInUse) as caught:
            second.acquire()
        self.assertIn(f"process {os.getpid()}", str(caught.exception))
        self.assertIn(str(self.path), str(caught.exception))
        first.release()
        second.acquire()
        second.release()

    def test_node_id(self) -> None:
        """The id is made once."""
        folder = StateFolder(self.path)
        made = folder.node_id(lambda size: b"\x01" * size)
        self.assertEqual(made, "01" * 8)
        self.assertEqual(StateFolder(self.path).node_id(lambda size: b"\x02" * size), made)

    def test_empty_node_id(self) -> None:
        """An empty file, as a loss of power may leave one, is no id."""
        (self.path / "node").write_text("")
        self.assertEqual(StateFolder(self.path).node_id(lambda size: b"\x03" * size), "03" * 8)
