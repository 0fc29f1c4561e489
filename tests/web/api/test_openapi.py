"""Tests of C{/v1/openapi.json}: it is valid, and describes exactly the routes that the server has."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from attrs import evolve
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.assembly.api import build_api
from smtpeter.assembly.foundations import lay_foundations
from smtpeter.assembly.stages import Stages
from smtpeter.config import load_settings
from smtpeter.events.rows import record_of
from smtpeter.model.account import SCOPES
from smtpeter.model.event import Event, EventType
from smtpeter.web.api.answers import Answer
from smtpeter.web.api.openapi.document import Unfit, make_document
from smtpeter.web.api.openapi.operations import Operation, in_path, json_reply
from smtpeter.web.api.orders import read_order
from smtpeter.web.api.routes import Arguments, Caller, Family, Route
from smtpeter.web.api.service import API
from tests.cli.installed import call
from tests.web.api.rig import APITestCase

THING = Operation(
    name="getThing",
    group="Things",
    title="A thing",
    parameters=[in_path("name", "Its name.")],
    reply=json_reply("It.", {"title": "Thing", "type": "object"}),
    errors={404: "There is none."},
)

MADE = evolve(THING, name="make", parameters=(), errors={})


async def nothing(caller: Caller, arguments: Arguments) -> Answer:
    """Answer nothing."""
    raise NotImplementedError


class OneRoute:
    """A family of one."""

    def __init__(self, route: Route) -> None:
        self.route = route

    def routes(self) -> Sequence[Route]:
        return [self.route]


class Listening(dict[str, Any]):
    """
    A body that remembers what it is asked for.

    @ivar asked: names.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    @override
    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")


class DescribedTestCase(SynchronousTestCase):
    """Has the API of a whole server, which does not run, and its description."""

    api: API
    document: Mapping[str, Any]

    @override
    def setUp(self) -> None:
        folder = Path(self.mktemp())
        self.assertEqual(call("init", str(folder), "--hostname", "mail.example.com").exit_code, 0)
        settings = load_settings(folder / "smtpeter.toml")
        foundations = lay_foundations(settings)
        self.addCleanup(foundations.state.release)
        self.api = build_api(settings, foundations, Stages(settings, foundations, MemoryReactorClock()))
        self.document = self.api.description


class DocumentTests(DescribedTestCase):
    """The description of the server."""

    def operations(self) -> list[dict[str, Any]]:
        return [one for methods in self.document["paths"].values() for one in methods.values()]

    def test_complete(self) -> None:
        """Every method on every path that is routed is described, and nothing else is."""
        ours = {"HEAD", "OPTIONS"}
        rules = [
            (VARIABLE.sub(r"{\1}", rule.rule), method)
            for rule in self.api.app.url_map.iter_rules()
            for method in (rule.methods or set()) - ours
        ]
        described = [
            ("/v1" + path, method.upper()) for path, methods in self.document["paths"].items() for method in methods
        ]
        self.assertGreater(len(rules), 20)
        self.assertEqual(sorted(described), sorted(rules))

    def test_valid(self) -> None:
        """It is OpenAPI 3.1, and all of its references lead somewhere."""
        self.assertEqual([error.message for error in OpenAPIV31SpecValidator(self.document).iter_errors()], [])
        text = str(self.document)
        for section, name in set(re.findall(r"#/components/(\w+)/([\w-]+)", text)):
            self.assertIn(name, self.document["components"][section])
        for section in ("schemas", "headers", "responses"):
            for name in self.document["components"][section]:
                self.assertIn(f"'#/components/{section}/{name}'", text)

    def test_scopes(self) -> None:
        """Each operation wants one scope, by either scheme; the description itself wants no token."""
        for one in self.operations():
            if one["operationId"] == "getDescription":
                self.assertEqual(one["security"], [])
            else:
                (bearer,) = one["security"][0]["bearer"]
                self.assertEqual(one["security"], [{"bearer": [bearer]}, {"access_token": [bearer]}])
                self.assertIn(bearer, SCOPES)

    def test_examples(self) -> None:
        """The bodies that are shown are valid by their schema, and the server can read them."""
        content = self.document["paths"]["/send"]["post"]["requestBody"]["content"]["application/json"]
        schema = {**self.document, **content["schema"]}
        self.assertGreater(len(content["examples"]), 1)
        for name, example in content["examples"].items():
            Draft202012Validator(schema).validate(example["value"])
            self.assertTrue(read_order(example["value"], b"0" * 16).recipients, name)

    def test_parameters(self) -> None:
        """What is shown for a parameter is one."""
        found = [parameter for one in self.operations() for parameter in one.get("parameters", ())]
        self.assertGreater(len(found), 30)
        for parameter in found:
            if "example" in parameter:
                Draft202012Validator({**self.document, **parameter["schema"]}).validate(parameter["example"])

    def test_send(self) -> None:
        """Every property that a send reads is described, for JSON and for forms, and no other is."""
        schemas = self.document["components"]["schemas"]
        listening = Listening({"recipient": "b@y.example", "from": "a@x.example", "text": "x"})
        read_order(listening, b"0" * 16)
        self.assertEqual(set(schemas["Send"]["properties"]), listening.asked)
        form = {re.sub(r"\[.*", "", name) for name in schemas["SendForm"]["properties"]}
        self.assertEqual(listening.asked - form, {"attachments", "data", "extra", "patch", "template"})
        self.assertEqual(form - listening.asked, set())

    def test_events(self) -> None:
        """An event of any type, as it is answered, is valid by exactly one of the schemas."""
        validator = Draft202012Validator({**self.document, "$ref": "#/components/schemas/Events"})
        for type in get_args(EventType):
            event = Event(account_id=1, message_id="0" * 20, type=type, at=1.0, recipient="b@y.example", id=1)
            validator.validate([record_of(event)])
            self.assertFalse(validator.is_valid([{**record_of(event), "event": "other"}]))

    def test_errors(self) -> None:
        """An operation has one answer that is none, beside errors in JSON; a status has its header fields."""
        for one in self.operations():
            self.assertEqual(len([status for status in one["responses"] if status < "300"]), 1)
            for status, reply in one["responses"].items():
                found = self.document["components"]["responses"][f"Error{status}"] if "$ref" in reply else reply
                if status >= "300":
                    self.assertEqual(
                        found["content"], {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                    )
                    self.assertEqual("Retry-After" in found.get("headers", ()), status in ("429", "503"))


class AnswerTests(APITestCase):
    """The description as it is asked for."""

    @override
    def families(self) -> Sequence[Family]:
        return [OneRoute(Route("GET", "/thing/<path:name>", "manage", nothing, THING))]

    def test_answer(self) -> None:
        """It is JSON without a token, whatever token is said, and made of the routes that there are."""
        for token in (None, "all", "wrong"):
            reply = self.ask("GET", "/v1/openapi.json", token=token)
            self.assertEqual((reply.status, reply.headers["content-type"]), (200, "application/json"))
        self.assertEqual(sorted(reply.json["paths"]), ["/openapi.json", "/thing/{name}"])
        self.assertEqual(reply.json["paths"]["/thing/{name}"]["get"]["security"][0], {"bearer": ["manage"]})
        self.assertEqual(self.ask("HEAD", "/v1/openapi.json", token=None).body, b"")
        self.assertEqual(self.ask("POST", "/v1/openapi.json", token=None).status, 405)


class MakingTests(SynchronousTestCase):
    """What cannot be described."""

    def check_unfit(self, *routes: Route) -> None:
        self.assertRaises(Unfit, make_document, routes)

    def test_undescribed(self) -> None:
        """A route without a description is left out."""
        self.assertEqual(list(make_document([Route("GET", "/x", "read", nothing)])["paths"]), ["/openapi.json"])

    def test_path(self) -> None:
        """The variable parts of a path are those that are described, and a path that has some may be 404."""
        self.check_unfit(Route("GET", "/thing", "read", nothing, THING))
        self.check_unfit(Route("GET", "/thing/<other>", "read", nothing, THING))
        self.check_unfit(Route("GET", "/thing/<name>", "read", nothing, evolve(THING, errors={})))

    def test_status(self) -> None:
        """What an operation answers where all went well has the status that is said, 200 else."""
        route = Route("GET", "/thing/<name>", "read", nothing, THING)
        made = Route("GET", "/made", "read", nothing, evolve(MADE, reply=evolve(MADE.reply, status=201)))
        paths = make_document([route, made])["paths"]
        statuses = [min(paths[path]["get"]["responses"]) for path in ("/thing/{name}", "/made")]
        self.assertEqual(statuses, ["200", "201"])

    def test_names(self) -> None:
        """An operation's name, and the title of a schema, mean one thing."""
        first = Route("GET", "/thing/<name>", "read", nothing, THING)
        self.check_unfit(first, Route("DELETE", "/thing/<name>", "read", nothing, THING))
        other = evolve(THING, name="other", reply=json_reply("x", {"title": "Thing", "type": "string"}))
        self.check_unfit(first, Route("GET", "/other/<name>", "read", nothing, other))
