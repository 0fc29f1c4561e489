"""Tests of L{smtpeter.mime.removal}."""

from email import message_from_bytes

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.document import Part
from smtpeter.mime.removal import NewBody, rebuild
from smtpeter.mime.scanner import scan

HEAD = b"From: a@x.example\r\nMIME-Version: 1.0\r\n"


def multipart(kind: str, boundary: str, *parts: bytes, preamble: bytes = b"", epilogue: bytes = b"\r\n") -> bytes:
    """An entity, without the header fields of a message."""
    mark = boundary.encode()
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\nX-Kind: {kind}\r\n\r\n'.encode()
    inner = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts)
    return head + preamble + inner + b"--" + mark + b"--" + epilogue


def leaf(text: str, kind: str = "text/html") -> bytes:
    """A part of one line."""
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: 7bit\r\n\r\n{text}".encode()


def without(content: bytes, *texts: str) -> bytes:
    """The message without the parts that hold these texts."""
    root = scan(content)
    gone = {part.start for part in leaves(root) if content[part.body_start : part.end].decode() in texts}
    assert len(gone) == len(texts)
    return rebuild(content, root, gone, {})


def leaves(root: Part) -> list[Part]:
    """Parts without parts."""
    return [part for part in root.walk() if not part.children]


class RemovalTests(SynchronousTestCase):
    """What is left of a message."""

    def test_places(self) -> None:
        """The first, a middle, the last part, and several, go with their delimiter; all else keeps its bytes."""
        names = ["a", "b", "c", "d"]
        content = HEAD + multipart("mixed", "m", *map(leaf, names), preamble=b"before\r\n", epilogue=b"\r\nbehind")
        for gone in (["a"], ["b"], ["d"], ["a", "b"], ["b", "c"], ["a", "d"], ["c", "d"], ["a", "b", "c"]):
            kept = [leaf(name) for name in names if name not in gone]
            wanted = HEAD + multipart("mixed", "m", *kept, preamble=b"before\r\n", epilogue=b"\r\nbehind")
            self.assertEqual(without(content, *gone), wanted, gone)

    def test_nothing(self) -> None:
        """Without anything to remove it is the same."""
        content = b"From x\r\n" + HEAD + multipart("related", "r", leaf("a"), leaf("b"))
        self.assertEqual(rebuild(content, scan(content), set(), {}), content)

    def test_root_collapses(self) -> None:
        """A message whose related parts are gone says of its content what the last one said; other fields stay."""
        content = HEAD + multipart("related", "r", leaf("a"), leaf("b", "image/gif"))
        wanted = b"Content-Type: text/html\r\nContent-Transfer-Encoding: 7bit\r\n" + HEAD + b"X-Kind: related\r\n\r\na"
        self.assertEqual(without(content, "b"), wanted)
        inner = multipart("alternative", "i", leaf("a", "text/plain"), leaf("b"))
        content = HEAD + multipart("related", "r", inner, leaf("c", "image/gif"))
        found = message_from_bytes(without(content, "c"))
        self.assertEqual(found.get_content_type(), "multipart/alternative")
        self.assertEqual([part.get_payload() for part in found.get_payload()], ["a", "b"])  # type: ignore[union-attr]

    def test_inner_collapses(self) -> None:
        """So does a part; a related part with something left does not."""
        related = multipart("related", "r", leaf("a"), leaf("b", "image/gif"), leaf("c", "image/gif"), epilogue=b"")
        text = leaf("t", "text/plain")
        content = HEAD + multipart("alternative", "o", text, related)
        become = leaf("a").replace(b"\r\n\r\n", b"\r\nX-Kind: related\r\n\r\n")
        self.assertEqual(without(content, "b", "c"), HEAD + multipart("alternative", "o", text, become))
        left = multipart("related", "r", leaf("a"), leaf("c", "image/gif"), epilogue=b"")
        self.assertEqual(without(content, "b"), HEAD + multipart("alternative", "o", text, left))

    def test_only_related(self) -> None:
        """A related part that never had more than one part stays, and so does another kind with one part left."""
        content = HEAD + multipart("mixed", "m", multipart("related", "r", leaf("a"), epilogue=b""), leaf("b"))
        wanted = HEAD + multipart("mixed", "m", multipart("related", "r", leaf("a"), epilogue=b""))
        self.assertEqual(without(content, "b"), wanted)

    def test_empty(self) -> None:
        """A multipart that loses all its parts goes."""
        images = multipart("related", "r", leaf("b", "image/gif"), leaf("c", "image/gif"), epilogue=b"")
        content = HEAD + multipart("mixed", "m", leaf("a"), images, leaf("d"))
        self.assertEqual(without(content, "b", "c"), HEAD + multipart("mixed", "m", leaf("a"), leaf("d")))

    def test_replaced(self) -> None:
        """A part gets another body, and another encoding where that is said, whether it has one or not."""
        bare = b"Content-Type: text/html\r\n\r\nb"
        content = HEAD + multipart("mixed", "m", leaf("a"), bare)
        first, second = leaves(scan(content))
        new = NewBody(body=b"new", encoding="quoted-printable")
        changed = rebuild(content, scan(content), set(), {first.start: new, second.start: new})
        field = b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nnew"
        self.assertEqual(changed, HEAD + multipart("mixed", "m", field, field))
        kept = rebuild(content, scan(content), set(), {first.start: NewBody(body=b"new")})
        self.assertEqual(kept, HEAD + multipart("mixed", "m", leaf("new"), bare))

    def test_protected(self) -> None:
        """Nothing is touched in a signed part."""
        signed = multipart("signed", "s", multipart("related", "r", leaf("a"), leaf("b")), leaf("sig"))
        content = HEAD + signed
        self.assertEqual(without(content, "b"), content)

    @given(st.lists(st.booleans(), min_size=1, max_size=5), st.sampled_from(["mixed", "related", "alternative"]))
    def test_others_read_the_same(self, stays: list[bool], kind: str) -> None:
        """Whatever goes, others find exactly what was to stay."""
        content = HEAD + multipart(kind, "m", *(leaf(f"p{number}") for number in range(len(stays))), leaf("last"))
        gone = [f"p{number}" for number, one in enumerate(stays) if not one]
        found = message_from_bytes(without(content, *gone))
        wanted = [f"p{number}" for number, one in enumerate(stays) if one] + ["last"]
        self.assertEqual([part.get_payload() for part in found.walk() if not part.is_multipart()], wanted)

    def test_broken(self) -> None:
        """A part that ends before its header does leaves a delimiter that stands on a line of its own."""
        parts = b"--m\r\n\r\na\r\n--m\r\nX-A: b\r\n--m\r\n\r\nc\r\n--m--\r\n"
        content = HEAD + b"Content-Type: multipart/mixed; boundary=m\r\n\r\n" + parts
        root = scan(content)
        changed = rebuild(content, root, {root.children[1].start}, {})
        found = message_from_bytes(changed)
        self.assertEqual([part.get_payload() for part in found.get_payload()], ["a", "c"])  # type: ignore[union-attr]
