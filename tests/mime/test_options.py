"""Tests for L{smtpeter.mime.options}."""

from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.headers import read_headers
from smtpeter.mime.options import Wishes, read_options
from smtpeter.model.options import SWITCHES, Overrides


def wishes(*fields: str) -> Wishes:
    return read_options(read_headers("\r\n".join([*fields, "", "x-smtpeter-trackopens: true"]).encode()))


def only(name: str, value: bool) -> Overrides:
    return evolve(Overrides(), **dict[str, Any]({name: value}))


class SwitchTests(SynchronousTestCase):
    """On and off."""

    def test_spellings(self) -> None:
        """Every switch takes every spelling, in any case, folded or with white space around."""
        for name in SWITCHES:
            for value, expected in (("true", True), ("YES", True), ("On", True), ("1", True), (" \r\n\ttrue ", True)):
                self.assertEqual(wishes(f"X-SMTPeter-{name}: {value}").overrides, only(name, expected))
            for value in ("false", "No", "OFF", "0"):
                self.assertEqual(wishes(f"x-smtpeter-{name.upper()} :{value}").overrides, only(name, False))

    def test_none(self) -> None:
        """Without a field nothing is asked for; fields in the body do not count."""
        self.assertEqual(wishes("From: a@b"), Wishes(overrides=Overrides()))

    def test_not_understood(self) -> None:
        """Any other value leaves the login's and is a warning."""
        for value in ("", "maybe", "truefalse", "2"):
            got = wishes(f"x-smtpeter-trackclicks: {value}")
            self.assertEqual(got.overrides, Overrides())
            self.assertEqual(len(got.warnings), 1)
            self.assertIn(f'x-smtpeter-trackclicks: "{value}"', got.warnings[0])

    def test_repeated(self) -> None:
        """The last that is understood counts; a contradiction is a warning, saying the same twice is none."""
        got = wishes("x-smtpeter-inlinecss: true", "X-SMTPeter-InlineCSS: no", "x-smtpeter-inlinecss: dunno")
        self.assertEqual(got.overrides.inlinecss, False)
        self.assertIn("the last one counts", got.warnings[0])
        self.assertIn("dunno", got.warnings[1])
        self.assertEqual(wishes("x-smtpeter-inlinecss: 1", "x-smtpeter-inlinecss: on").warnings, ())


class OtherTests(SynchronousTestCase):
    """Tags, images, unknown names."""

    def test_tags(self) -> None:
        """Comma separated, trimmed, once each, joined from several fields."""
        got = wishes("x-smtpeter-tags: a,  b,,a", "X-SMTPeter-Tags: c-1,\r\n d", "x-smtpeter-tags: =?utf-8?q?=C3=A4?=")
        self.assertEqual((got.tags, got.warnings), (("a", "b", "c-1", "d", "ä"), ()))

    def test_unfit_tags(self) -> None:
        """A tag with white space or a semicolon inside is left out with a warning."""
        got = wishes("x-smtpeter-tags: a b, c;d, e")
        self.assertEqual(got.tags, ("e",))
        self.assertEqual(len(got.warnings), 2)
        self.assertIn('"a b"', got.warnings[0])

    def test_images(self) -> None:
        """hosted is not available yet and default is the default; neither changes anything."""
        for value in ("hosted", "default"):
            asked = wishes(f"x-smtpeter-images: {value.title()}")
            self.assertEqual((asked.overrides.images, asked.warnings), (value, ()))
        both = wishes("x-smtpeter-images: hosted", "x-smtpeter-images: default")
        self.assertEqual(both.overrides.images, "default")
        self.assertIn("more than once", both.warnings[0])
        self.assertIn('"cloud"', wishes("x-smtpeter-images: cloud").warnings[0])
        self.assertIsNone(wishes("x-smtpeter-images: cloud").overrides.images)

    def test_unknown(self) -> None:
        """A name that is not known is a warning, short and without control characters."""
        self.assertEqual(wishes("X-SMTPeter-Foo: 1").warnings, ("x-smtpeter-foo: not known, ignored",))
        got = wishes("x-smtpeter-" + "y" * 500 + ": 1", "x-smtpeter-inlinecss: =?utf-8?q?=0A?=" + "z" * 500)
        self.assertTrue(all(len(warning) < 150 and warning.isprintable() for warning in got.warnings))

    def test_flood(self) -> None:
        """There are never more than a few warnings."""
        self.assertEqual(len(wishes(*(f"x-smtpeter-{number}: 1" for number in range(500))).warnings), 21)
