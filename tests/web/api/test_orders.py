"""Tests of reading what is to be sent."""

from base64 import b64encode
from email import message_from_bytes, policy
from typing import Any, get_args

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.fetch import Fetched
from smtpeter.model.options import Images, Overrides
from smtpeter.web.api import recipients
from smtpeter.web.api.composing import urls_of
from smtpeter.web.api.faults import APIError
from smtpeter.web.api.options import Reports
from smtpeter.web.api.orders import Order, read_order

MIME = "From: a@shop.example\nSubject: x\n\nHello\n"
CHANCE = b"c" * 16


def order(**body: Any) -> Order:
    """What is read of a body that has all that is needed."""
    return read_order({"recipient": "b@y.example", "mime": MIME, **body}, CHANCE)


class OrderTestCase(SynchronousTestCase):
    """Looks at refusals."""

    def refusals(self, body: dict[str, Any]) -> dict[str, str]:
        """What is wrong, by field."""
        with self.assertRaises(APIError) as caught:
            read_order(body, CHANCE)
        self.assertEqual(caught.exception.status, 400)
        return {fault.field: fault.message for fault in caught.exception.faults}

    def refused(self, field: str, **body: Any) -> str:
        """What is wrong with a field alone."""
        found = self.refusals({"recipient": "b@y.example", "mime": MIME, **body})
        self.assertEqual(list(found), [field], found)
        return found[field]


class RecipientTests(OrderTestCase):
    """To whom."""

    def test_spellings(self) -> None:
        """Every spelling gives the addresses, each once, domains in lower case."""
        spellings: tuple[Any, ...] = (
            "b@Y.example, c@y.example",
            ["b@y.example", "c@y.example"],
            ["b@y.example,c@y.example", "b@y.example"],
            {"b@y.example": {}, "c@y.example": []},
            [{"b@y.example": None}, {"c@y.example": {}}],
            ["b@y.example", {"c@y.example": {}}],
        )
        for value in spellings:
            for name in ("recipient", "recipients"):
                found = read_order({name: value, "mime": MIME}, CHANCE)
                self.assertEqual(found.recipients, ("b@y.example", "c@y.example"), value)
        both = read_order({"recipient": "b@y.example", "recipients": ["c@y.example"], "mime": MIME}, CHANCE)
        self.assertEqual(both.recipients, ("b@y.example", "c@y.example"))
        self.assertEqual(order(recipient='"b,c"@y.example,d@y.example').recipients, ('"b,c"@y.example', "d@y.example"))

    def test_data(self) -> None:
        """Personal data is refused with a text that says what is missing, wherever it stands."""
        for value, field in (
            ({"b@y.example": {"name": "B"}}, 'recipients["b@y.example"]'),
            ([{"b@y.example": {}}, {"c@y.example": {"x": 1}}], 'recipients[1]["c@y.example"]'),
            ({"b@y.example": "text"}, 'recipients["b@y.example"]'),
        ):
            found = self.refusals({"recipients": value, "mime": MIME})
            self.assertEqual(list(found), [field])
            self.assertIn("personalisation is not available yet", found[field])
        missing: dict[str, Any] = {"data": {"a": 1}, "template": 5, "patch": [{"op": "remove"}]}
        for name, given in missing.items():
            self.assertIn("not available yet", self.refused(name, **{name: given}))
        self.assertEqual(order(data={}, template="").recipients, ("b@y.example",))

    def test_placeholders(self) -> None:
        """With data, be it empty, place-holders are refused where they stand; without data they are text."""
        text = {
            "from": "a@x.example",
            "subject": "Dear {$name}",
            "text": "{$x}",
            "extra": {"x-a": "{$y}"},
            "html": "{x}",
        }
        places = ["subject", "text", "extra"]
        with_data: list[dict[str, Any]] = [
            {"data": {}, "recipient": "b@y.example"},
            {"recipients": ["a@y.example", {"b@y.example": {}}]},
        ]
        for given in with_data:
            found = self.refusals({**text, **given})
            self.assertEqual(sorted(found), sorted(places))
            self.assertIn("personalisation is not available yet", found["text"])
        self.assertIn("mime", self.refusals({"mime": "From: a@x.example\n\n{$x}", "recipient": {"b@y.example": []}}))
        without: list[dict[str, Any]] = [{"recipient": "b@y.example"}, {"recipients": ["b@y.example"], "data": None}]
        for given in without:
            self.assertIn(b"{$x}", read_order({**text, **given}, CHANCE).content)

    def test_wrong(self) -> None:
        """What is no pure address is refused at its place, all of them at once; nothing becomes a command."""
        self.assertIn("at least one", self.refusals({"mime": MIME})["recipients"])
        self.assertIn("at least one", self.refusals({"mime": MIME, "recipients": " , "})["recipients"])
        bad = ["B <b@y.example>", "b", "a@b>\r\nRCPT TO:<c@d", "b@y.example\n", "\u2028@y.example", 5, ["x@y.example"]]
        found = self.refusals({"recipients": ["ok@y.example", *bad], "mime": MIME})
        self.assertEqual(list(found), [f"recipients[{place}]" for place in (1, 2, 3, 5, 6, 7)])
        self.assertTrue(all(text.isprintable() for text in found.values()), found)

    def test_most(self) -> None:
        """As many as are allowed are taken, and no more."""
        self.patch(recipients, "MAX_RECIPIENTS", 3)
        many = [f"{number}@y.example" for number in range(4)]
        self.assertEqual(order(recipient=many[:3]).recipients, tuple(many[:3]))
        self.assertIn("more than 3", self.refused("recipients", recipient=many))


class OptionTests(OrderTestCase):
    """How."""

    def test_features(self) -> None:
        """Features are yes, no or not said, under their old names too; the new one counts where both are given."""
        self.assertEqual(order().overrides, Overrides())
        found = order(inlinecss=True, clicktracking="false", openstracking=0, bouncetracking="1", preventscam="yes")
        self.assertEqual(
            found.overrides,
            Overrides(inlinecss=True, trackclicks=False, trackopens=False, trackbounces=True, preventscam=True),
        )
        self.assertEqual(order(trackclicks=True, clicktracking=False).overrides, Overrides(trackclicks=True))
        wrongs: tuple[Any, ...] = ("maybe", 2, [], {}, 0.5)
        for wrong in wrongs:
            self.assertIn("neither true nor false", self.refused("trackclicks", trackclicks=wrong))
        self.assertIn("neither", self.refused("images", images="elsewhere"))
        for images in get_args(Images):
            self.assertEqual(order(images=images).overrides, Overrides(images=images))

    def test_both_spellings(self) -> None:
        """The newer of two spellings counts, and what is wrong with the other is told all the same."""
        for name, old in (("trackclicks", "clicktracking"), ("trackopens", "openstracking")):
            self.assertIs(getattr(order(**{name: False, old: True}).overrides, name), False)
            self.assertIn("neither true nor false", self.refused(old, **{name: False, old: "x"}))

    def test_tags(self) -> None:
        """Tags are an array or a text, each once, without white space or semicolon."""
        self.assertEqual(order(tags=["b", "a", "b"]).tags, ("b", "a"))
        self.assertEqual(order(tags="b, a").tags, ("b", "a"))
        for wrong in ("a b", "a;b", "a\nb", "a\u2028b", "x" * 201, "x\0"):
            self.assertIn("tag with white space", self.refused("tags", tags=[wrong]))
        self.assertIn("more than 100", self.refused("tags", tags=[str(number) for number in range(101)]))
        self.assertIn("a number", self.refused("tags[1]", tags=["a", 1]))

    def test_reports(self) -> None:
        """C{dsn} has the parameters of RFC 3461."""
        found = order(dsn={"notify": "success, FAILURE", "ret": "hdrs", "envid": "QQ 1", "orcpt": "x@y.example"})
        wanted = Reports(notify=frozenset(("SUCCESS", "FAILURE")), ret="HDRS", envid="QQ 1", orcpt="rfc822;x@y.example")
        self.assertEqual(found.reports, wanted)
        self.assertEqual(order(dsn=[]).reports, Reports())
        for name, wrong in (
            ("notify", "NEVER,DELAY"),
            ("notify", "SOMETIMES"),
            ("ret", "ALL"),
            ("envid", "x\r\nRCPT TO:<a@b>"),
            ("envid", "x" * 101),
            ("orcpt", "é@y.example"),
            ("ret", 5),
        ):
            self.assertTrue(self.refused(f"dsn.{name}", dsn={name: wrong}))
        self.assertIn("a number", self.refused("dsn.notify[1]", dsn={"notify": ["DELAY", 5]}))

    def test_time(self) -> None:
        """C{maxdelivertime} is a time in UTC of exactly one form."""
        self.assertEqual(order(maxdelivertime="2027-01-15 08:00:00").expires_at, 1_800_000_000.0)
        for wrong in ("2027-02-30 00:00:00", "2027-01-15", "2027-01-15T08:00:00", "1", "٢٠٢٧-01-15 08:00:00"):
            self.assertIn("YYYY-MM-DD", self.refused("maxdelivertime", maxdelivertime=wrong))

    def test_envelope(self) -> None:
        """The envelope is a pure address, or empty."""
        self.assertEqual([order().reverse_path, order(envelope="").reverse_path], ["", ""])
        self.assertEqual(order(envelope="Me@Shop.example").reverse_path, "Me@shop.example")
        self.assertIn("cannot be used", self.refused("envelope", envelope="me"))

    def test_all_at_once(self) -> None:
        """Everything that is wrong is told, whatever its kind."""
        found = self.refusals({"recipients": {"x": {}}, "mime": 5, "tags": "a b", "trackopens": "?", "dsn": "x"})
        self.assertEqual(list(found), ["recipients", "mime", "trackopens", "tags", "dsn"])


class ContentTests(OrderTestCase):
    """What."""

    def test_mime(self) -> None:
        """A whole message is taken as it is, with proper line ends; what else would compose one must be absent."""
        self.assertEqual(order(mime="From: ü@x\nA: b\r\n\r\nx\r").content, "From: ü@x\r\nA: b\r\n\r\nx\r\n".encode())
        found = self.refusals({"recipient": "b@y.example", "mime": MIME, "subject": "x", "html": "y", "replyTo": "z@y"})
        self.assertEqual(list(found), ["replyTo", "subject", "html"])
        self.assertIn("empty", self.refused("mime", mime=""))
        self.assertIn("an array", self.refused("mime", mime=["x"]))

    def compose(self, **body: Any) -> Any:
        """A composed message, as the standard library reads it."""
        whole = {"recipient": "b@y.example", "from": "Shop <a@shop.example>", "subject": "Hi", "text": "Hello", **body}
        return message_from_bytes(read_order(whole, CHANCE).content, policy=policy.default)

    def test_composed(self) -> None:
        """The properties make the message, arrays and commas alike."""
        found = self.compose(
            to=["Bo, Jr <b@y.example>".replace("Bo, Jr", '"Bo, Jr"'), "c@y.example"],
            cc="d@y.example, E <e@y.example>",
            replyTo="r@shop.example",
            html="<p>Hello</p>",
            extra={"x-campaign": "spring"},
            unsubscribe={"url": "https://shop.example/u", "email": "u@shop.example", "oneclick": True},
            attachments=[{"data": b64encode(b"%PDF").decode(), "name": "a.pdf", "type": "application/pdf"}],
        )
        self.assertEqual(found["to"], '"Bo, Jr" <b@y.example>, c@y.example')
        self.assertEqual((found["cc"], found["reply-to"]), ("d@y.example, E <e@y.example>", "r@shop.example"))
        self.assertEqual(
            (found["x-campaign"], found["list-unsubscribe-post"]), ("spring", "List-Unsubscribe=One-Click")
        )
        self.assertIn("https://shop.example/u", found["list-unsubscribe"])
        (attached,) = found.iter_attachments()
        self.assertEqual((attached.get_filename(), attached.get_content()), ("a.pdf", b"%PDF"))
        self.assertIsNone(found["bcc"])

    def test_own_unsubscribe(self) -> None:
        """One-click without a url asks for our address, which is none of the content; a mailto stays in it."""
        body = {"recipient": "b@y.example", "from": "a@shop.example", "text": "Hello"}
        for unsubscribe, is_own, written in (
            ({"oneclick": True}, True, None),
            ({"oneclick": "yes", "url": "", "email": "u@shop.example"}, True, "<mailto:u@shop.example>"),
            ({"oneclick": True, "url": "https://shop.example/u"}, False, "<https://shop.example/u>"),
            ({"oneclick": False, "email": "u@shop.example"}, False, "<mailto:u@shop.example>"),
            ({}, False, None),
        ):
            found = read_order({**body, "unsubscribe": unsubscribe}, CHANCE, offers_unsubscribe=True)
            self.assertEqual(found.has_own_unsubscribe, is_own, unsubscribe)
            content = message_from_bytes(found.content, policy=policy.default)
            self.assertEqual(content["list-unsubscribe"], written)
            self.assertEqual(content["list-unsubscribe-post"] is None, is_own or not unsubscribe.get("oneclick"))

    def test_no_own_unsubscribe(self) -> None:
        """Where our address is not https it is refused with what to configure, beside all other faults."""
        body = {"recipient": "b@y.example", "from": "a@shop.example", "text": "x", "unsubscribe": {"oneclick": True}}
        found = self.refusals(body)
        self.assertEqual(list(found), ["unsubscribe.oneclick"])
        self.assertIn("tracking.url", found["unsubscribe.oneclick"])
        self.assertIn("https", found["unsubscribe.oneclick"])
        body["unsubscribe"] = {"oneclick": True, "email": "x"}
        self.assertEqual(set(self.refusals({**body, "subject": "a\r\nb"})), {"subject", *found, "unsubscribe.email"})

    def test_ways_out(self) -> None:
        """C{unsubscribe} may be a URL, an e-mail address, or an array of both, and nothing else."""
        url, email = "<https://shop.example/u>", "<mailto:u@shop.example>"
        for given, wanted in (
            ("https://shop.example/u", url),
            ("u@shop.example", email),
            (["https://shop.example/u", "u@shop.example"], f"{url}, {email}"),
            (["u@shop.example", "https://shop.example/u"], f"{url}, {email}"),
            (["u@shop.example"], email),
            ("", None),
            ([], None),
            ([""], None),
        ):
            found = self.compose(unsubscribe=given)
            self.assertEqual((found["list-unsubscribe"], found["list-unsubscribe-post"]), (wanted, None), given)
        whole = {"recipient": "b@y.example", "from": "a@shop.example", "text": "x"}
        wrong: tuple[tuple[Any, str], ...] = (
            (["a@shop.example", "b@shop.example"], "unsubscribe"),
            (["https://shop.example/u", "https://shop.example/v"], "unsubscribe"),
            (["a@shop.example", 5], "unsubscribe[1]"),
            ({"email": 5}, "unsubscribe.email"),
            ({"url": "https://shop.example/", "oneclick": "?"}, "unsubscribe.oneclick"),
            (5, "unsubscribe"),
            ("x", "unsubscribe.email"),
            ("a@shop.example\r\nBcc: e@y.example", "unsubscribe.email"),
            ("ftp://shop.example/", "unsubscribe.url"),
            ("https://shop.example/\r\nBcc: e@y.example", "unsubscribe.url"),
        )
        for value, field in wrong:
            self.assertEqual(list(self.refusals({**whole, "unsubscribe": value})), [field], value)

    def test_reply_to(self) -> None:
        """Of both spellings C{replyto} counts, and what is wrong with the other is told all the same."""
        self.assertEqual(
            self.compose(replyto="r@shop.example", replyTo=["s@shop.example"])["reply-to"], "r@shop.example"
        )
        found = self.refusals({**self.body(), "replyto": "r@shop.example", "replyTo": [5]})
        self.assertEqual(list(found), ["replyTo[0]"])

    def test_empty_template(self) -> None:
        """A template that names none is as good as none: the message is composed of the other properties."""
        templates: tuple[Any, ...] = ("", None, [], {})
        for template in templates:
            self.assertEqual(self.compose(template=template).get_content(), "Hello\r\n")

    def test_composed_wrong(self) -> None:
        """Faults of single values are told with their places, those of the composer among them."""
        found = self.refusals(
            {
                "recipient": "b@y.example",
                "to": ["x@y.example", 5],
                "subject": "a\r\nBcc: e@y.example",
                "extra": {"Bcc": "e@y.example", "x-a": 1},
                "attachments": [
                    {"data": "%%%"},
                    {"data": "", "url": "http://127.0.0.1/"},
                    "x",
                    {"data": "", "name": 5},
                    {"data": "", "name": 0, "type": False, "cid": []},
                ],
                "unsubscribe": "x",
            }
        )
        self.assertEqual(
            set(found),
            {
                *("to[1]", "subject", "extra.Bcc", "extra.x-a", "unsubscribe.email", "from", "text"),
                *("attachments[0].data", "attachments[1]", "attachments[2]", "attachments[3].name"),
                *("attachments[4].name", "attachments[4].type", "attachments[4].cid"),
            },
        )
        self.assertIn("data and a url", found["attachments[1]"])

    def test_fetched(self) -> None:
        """A file that was fetched has the name and the type that are said, else those of its URL and its server."""
        first, second = "https://x.example/a%20b.txt?c=d", "https://x.example/"
        files = {
            first: Fetched(status=200, type="text/plain", charset="utf-8", content=b"hello"),
            second: Fetched(status=200, type="multipart/mixed", charset="", content=b"--x"),
        }
        said = {"url": first, "name": "n.csv", "type": "text/csv"}
        value = {**self.body(), "attachments": [{"url": first}, said, {"url": second}]}
        self.assertEqual(
            urls_of(value), {first: ["attachments[0].url", "attachments[1].url"], second: ["attachments[2].url"]}
        )
        found: Any = message_from_bytes(read_order(value, CHANCE, files).content, policy=policy.default)
        self.assertEqual(
            [(one.get_filename(), one.get_content_type(), one.get_content()) for one in found.iter_attachments()],
            [
                ("a b.txt", "text/plain", "hello"),
                ("n.csv", "text/csv", "hello"),
                (None, "application/octet-stream", b"--x"),
            ],
        )
        self.assertEqual(list(self.refusals({**self.body(), "attachments": [{"url": 5}]})), ["attachments[0].url"])

    def test_international(self) -> None:
        """Only what cannot be said in ASCII asks for SMTPUTF8: an address, not a name or a subject."""
        self.assertFalse(read_order(self.body(subject="Grüße", to="Zoë <b@y.example>"), CHANCE).is_utf8)
        self.assertTrue(read_order(self.body(to="zoë@y.example"), CHANCE).is_utf8)
        self.assertTrue(read_order(self.body(recipient="zoë@y.example"), CHANCE).is_utf8)
        self.assertFalse(order(mime="From: Zoë <a@shop.example>\n\nx").is_utf8)

    def body(self, **more: str) -> dict[str, str]:
        """Of a composed mail."""
        return {"recipient": "b@y.example", "from": "a@shop.example", "text": "x", **more}
