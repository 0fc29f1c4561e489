"""C{/v1/openapi.json} held against the running server, by schemathesis."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

import tests
from smtpeter.web.api.openapi.shared import MESSAGE_ID
from tests.support.described import composed, known
from tests.support.installation import ENVIRONMENT, Installation
from tests.support.rest import Client, client
from tests.support.sink import Sink

PROXIED = 'trusted_proxies = ["127.0.0.1"]\nallow_insecure = true'
"""Each request of schemathesis is another client's: many have wrong tokens."""

ANY_SENDER = '[submission]\nsender_domains = "optional"'

CONFIGURATION = """
hooks = "tests.support.schemathesis_hooks"
continue-on-failure = true
warnings = false
[generation]
deterministic = true
database = "none"
[cache]
enabled = false
[phases.stateful]
# The operations are not linked: an id is a key of what a send answers, which no link can name.
enabled = false
[output.sanitization]
enabled = false
"""

NOT_SAYABLE = """
[[operations]]
include-name = ["POST /send", "POST /preview"]
# Which texts are addresses or messages is more than a schema can say. L{composed} says it for a part of them.
checks.positive_data_acceptance.enabled = false
"""

MAIL = {
    "recipient": "joe@example.net",
    "from": "news@shop.example",
    "text": "Hello",
    "html": "<p><img src='cid:i'>Hello</p>",
    "tags": ["spring"],
    "attachments": [{"data": "aGVsbG8=", "name": "a.txt"}, {"data": "aGVsbG8=", "name": "i.png", "cid": "i"}],
}


def held_against(it: Installation, asked: Client, document: Mapping[str, Any], settings: str, most: int) -> Any:
    """
    What schemathesis found, with all of its checks.

    @param most: cases of chance for each operation, beside those that go to the edges of each value.
    @raise AssertionError: the server and the document differ; with the requests that show it.
    """
    folder = Path(it.folder)
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "schemathesis.toml").write_text(CONFIGURATION + settings)
    command = [sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", "schemathesis.toml", "run"]
    command += ["openapi.json", "--url", f"http://localhost:{it.web_port}/v1", "--max-examples", str(most)]
    command += ["--header", f"Authorization: Bearer {asked.token}"]
    command += ["--report", "json", "--report-json-path", "report.json"]
    path = f"{Path(tests.__file__).parents[1]}:{ENVIRONMENT['PYTHONPATH']}"
    done = subprocess.run(
        command,
        check=False,
        cwd=folder,
        env={**ENVIRONMENT, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "report.json").read_text())


def granted(report: Mapping[str, Any]) -> dict[str, int]:
    """How many requests were answered with success, by operation."""
    return {
        operation: sum(phase["accepted"] for phase in phases.values())
        for operation, phases in report["valid_rates"].items()
    }


class DescriptionTests(SynchronousTestCase):
    """
    All checks of schemathesis are on: no 500, no status, type, header or body that is not described, nothing granted
    that the description forbids, nothing refused that it allows, nothing without a token, 405 with C{Allow} for other
    methods.
    """

    def test_held(self) -> None:
        """Every operation does what its description says, and each was reached."""
        with Sink() as sink, Installation(sink.port, web=PROXIED, extra=ANY_SENDER) as it:
            asked = client(it)
            (message_id,) = asked.post("/v1/send", MAIL).json
            document, (day,) = asked.get("/v1/openapi.json").json, asked.get("/v1/logfiles").json
            things = {
                MESSAGE_ID["examples"][0]: message_id,
                "deliveries.2026-11-28.log": f"attempts.{day}.log",
                "eve@example.net": asked.post("/v1/suppressions", {"address": "eve@example.net"}).json["address"],
                "06h29dtr0o0603b1qgng": asked.post("/v1/datarequest", {"email": MAIL["recipient"]}).json["id"],
            }
            report = held_against(it, asked, known(document, things), NOT_SAYABLE, 10)
            operations = [
                f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods
            ]
            reached = granted(report)
            self.assertEqual((sorted(reached), report["errors"]), (sorted(operations), []))
            self.assertEqual([operation for operation, count in reached.items() if not count], [])
            self.assertGreater(report["test_cases"]["generated"], 40 * len(operations))
            it.stop()

    def test_composed(self) -> None:
        """A composed mail is taken in every form that the description allows, and in no other."""
        with Sink() as sink, Installation(sink.port, web=PROXIED, extra=ANY_SENDER) as it:
            asked = client(it)
            document = asked.get("/v1/openapi.json").json
            report = held_against(it, asked, composed(document, "recipients", "html"), "", 40)
            self.assertGreater(granted(report)["POST /send"], 150)
            self.assertEqual(report["errors"], [])
            it.stop()

    def test_examples(self) -> None:
        """Bodies that the description shows are granted, by either way to say the token; wrong tokens are not."""
        with Sink() as sink, Installation(sink.port, web=PROXIED) as it:
            asked = client(it)
            document = asked.get("/v1/openapi.json").json
            content = document["paths"]["/send"]["post"]["requestBody"]["content"]["application/json"]
            for example in content["examples"].values():
                self.assertEqual(asked.post("/v1/send", example["value"]).status, 200, example)
                path = f"/v1/send?{document['components']['securitySchemes']['access_token']['name']}="
                self.assertEqual(Client(it, "").post(path + asked.token, example["value"]).status, 200, example)
                self.assertEqual(Client(it, "").post(path + "x", example["value"]).status, 401, example)
            it.stop()
