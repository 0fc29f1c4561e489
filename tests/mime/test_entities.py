"""Tests for L{smtpeter.mime.entities}."""

from email import message_from_bytes, policy

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.entities import Entity, container_entity, file_entity
from smtpeter.mime.scanner import scan

NOTE = b"Subject: x\r\n\r\nhello\r\n"


def whole(entity: Entity) -> bytes:
    return b"".join((entity.head, b"\r\n", *entity.pieces))


class FileTests(SynchronousTestCase):
    """Files."""

    def test_names(self) -> None:
        """Short plain names stand in quotes; others are encoded, twice, and long ones divided between characters."""
        plain = whole(file_entity(b"", "a b.pdf", "application/pdf", {}))
        self.assertIn(b'application/pdf; name="a b.pdf"\r\n', plain)
        self.assertIn(b'attachment; filename="a b.pdf"\r\n', plain)
        for name in ('a"b\\.pdf', "ü.pdf", "=?utf-8?q?a=0A?=", " a", "a%20b"):
            content = whole(file_entity(b"", name, "application/pdf", {}))
            self.assertIn(b"filename*=utf-8''", content)
            self.assertIn(b'name="=?utf-8?B?', content)
            self.assertEqual(message_from_bytes(content, policy=policy.default).get_filename(), name.strip())
            self.assertEqual(scan(content).filename, name)
        long = whole(file_entity(b"", "日本" * 60 + ".pdf", "application/pdf", {}))
        self.assertIn(b"filename*11*=", long)
        self.assertEqual(scan(long).filename, "日本" * 60 + ".pdf")
        self.assertNotIn(b"name", whole(file_entity(b"", "", "application/pdf", {})))

    def test_parameters(self) -> None:
        """A type keeps its parameters."""
        part = scan(whole(file_entity(b"x", "a.ics", "text/calendar", {"method": "REQUEST", "charset": "utf-8"})))
        self.assertEqual(part.content_type, "text/calendar")
        self.assertEqual(part.parameters, {"method": "REQUEST", "charset": "utf-8", "name": "a.ics"})

    def test_messages(self) -> None:
        """An attached message stands as it is where it can, and is a file of no known type elsewhere."""
        part = scan(whole(file_entity(NOTE.replace(b"\r\n", b"\n"), "a.eml", "message/rfc822", {})))
        self.assertEqual((part.content_type, part.encoding, len(part.children)), ("message/rfc822", "7bit", 1))
        for data, kind in (
            (NOTE + b"\xff", "message/rfc822"),
            (NOTE + b"\0", "message/rfc822"),
            (NOTE + b"a" * 999, "message/rfc822"),
            (NOTE + b"\r\n--a\r\nContent-Type: x/y" * 200, "message/rfc822"),
            (NOTE, "message/external-body"),
        ):
            part = scan(whole(file_entity(data, "a.eml", kind, {"access-type": "URL"})))
            self.assertEqual((part.content_type, part.encoding), ("application/octet-stream", "base64"), data)
            self.assertEqual(part.parameters, {"name": "a.eml"})


class ContainerTests(SynchronousTestCase):
    """Containers."""

    def test_attached_message_with_our_boundary(self) -> None:
        """A message that was composed with the same chance and is attached again does not end its container."""
        inner = container_entity("mixed", [file_entity(b"1", "a", "x/y", {})], b"chance")
        outer = container_entity("mixed", [file_entity(whole(inner), "a.eml", "message/rfc822", {})], b"chance")
        self.assertNotEqual(outer.pieces[1], inner.pieces[1])
        self.assertEqual(len(scan(whole(outer)).children), 1)
