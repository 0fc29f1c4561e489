"""The examples of docs/rest.md, run as they stand in a shell."""

import os
import re
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.installation import Installation
from tests.support.rest import INSECURE, client
from tests.support.sink import Sink

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "rest.md"
EXAMPLE = re.compile(r"```sh\n(.*?)```\n.*?```(?:json|text)\n(.*?)```", re.DOTALL)
ID = re.compile(r'"[0-9a-v]{20}"')
DATE = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?")


def examples() -> list[tuple[str, str]]:
    """Commands, each with the answer that is shown for it."""
    return EXAMPLE.findall(DOCUMENT.read_text("utf-8"))


def numbered(answer: str) -> str:
    """An answer with its ids numbered by their first appearance, without dates and white space between values."""
    seen: dict[str, str] = {}
    marked = ID.sub(lambda match: seen.setdefault(match[0], f'"id {len(seen) + 1}"'), answer)
    joined = re.sub(r"\s*\n\s*", "", DATE.sub("date", marked))
    return re.sub(r"([:,]) ?(?=[\"{\[\d])", r"\1", joined).strip()


class DocumentTests(SynchronousTestCase):
    """What the document shows is what happens."""

    def test_reading(self) -> None:
        """Every command has an answer, and answers differ by more than their ids."""
        text = DOCUMENT.read_text("utf-8")
        shown = text.count("```json\n") + text.count("```text\n")
        self.assertEqual((text.count("```sh\n"), shown), (len(examples()), len(examples())))
        a, b = "0" * 20, "1" * 20
        self.assertEqual(numbered(f'{{"{a}": "x"}}{{"{a}": "y"}}'), '{"id 1":"x"}{"id 1":"y"}')
        self.assertNotEqual(numbered(f'{{"{a}":"x"}}{{"{a}":"x"}}'), numbered(f'{{"{a}":"x"}}{{"{b}":"x"}}'))

    def test_examples(self) -> None:
        """Each example gives the answer that is shown, ids aside."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            variables = {"SMTPETER": f"http://localhost:{it.web_port}", "TOKEN": client(it).token, "ID": ""}
            for command, shown in examples():
                if "/send" not in command and variables["ID"]:
                    # What is read is complete when all mail has left.
                    it.wait_events("delivery", len(it.events("attempt")))
                done = subprocess.run(
                    ["bash", "-euc", command],
                    check=False,
                    env={**os.environ, **variables},
                    capture_output=True,
                    text=True,
                    timeout=60,
                )
                self.assertEqual((done.returncode, done.stderr), (0, ""), command)
                self.assertEqual(numbered(done.stdout), numbered(shown), command)
                found = re.search(r'"([0-9a-v]{20})":"joe@', done.stdout)
                variables["ID"] = variables["ID"] or (found[1] if found else "")
            self.assertEqual(len(sink.wait_for(5)), 5)
            it.stop()
