"""Tests of L{smtpeter.storage.rows}."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.event import Event
from smtpeter.model.message import Notify, Recipient, Trace
from smtpeter.model.options import SWITCHES, Features
from smtpeter.storage.rows import (
    event_row,
    read_event,
    read_features,
    read_recipient,
    read_texts,
    read_trace,
    write_dsn,
    write_features,
    write_json,
    write_trace,
)

any_text = st.text(st.characters(), max_size=20)
notify: st.SearchStrategy[frozenset[Notify] | None] = st.none() | st.frozensets(
    st.sampled_from(("NEVER", "SUCCESS", "FAILURE", "DELAY"))
)


class _Row:
    def __init__(self, **columns: object) -> None:
        self.__dict__.update(columns)


class RoundTripTests(SynchronousTestCase):
    """What is written is read back equal."""

    @settings(max_examples=40, deadline=None)
    @given(on=st.sets(st.sampled_from((*SWITCHES, "unsubscribe"))), images=st.sampled_from(("default", "hosted")))
    def test_features(self, on: set[str], images: str) -> None:
        """Features."""
        features = Features(images=images, **dict.fromkeys(on, True))  # type: ignore[arg-type]
        self.assertEqual(read_features(write_features(features)), features)

    @settings(max_examples=40, deadline=None)
    @given(st.builds(Trace, protocol=any_text, helo=any_text, peer=any_text, tls=any_text))
    def test_trace(self, trace: Trace) -> None:
        """How it came in, whatever the client called itself; the text is ASCII, which any database takes."""
        written = write_trace(trace)
        self.assertTrue(written.isascii())
        self.assertEqual(read_trace(written), trace)

    @settings(max_examples=40, deadline=None)
    @given(st.builds(Recipient, address=any_text, notify=notify, orcpt=st.none() | any_text))
    def test_recipient(self, recipient: Recipient) -> None:
        """A recipient's DSN parameters: saying nothing differs from saying the default."""
        self.assertEqual(read_recipient(recipient.address, write_dsn(recipient)), recipient)

    @settings(max_examples=40, deadline=None)
    @given(st.lists(any_text, max_size=5).map(tuple))
    def test_texts(self, texts: tuple[str, ...]) -> None:
        """Tags and warnings."""
        self.assertEqual(read_texts(write_json(texts)), texts)

    @settings(max_examples=40, deadline=None)
    @given(st.dictionaries(any_text, any_text, max_size=5), st.lists(any_text, max_size=3).map(tuple))
    def test_event(self, data: dict[str, str], tags: tuple[str, ...]) -> None:
        """An event with its fields."""
        event = Event(
            id=5, message_id="m", account_id=1, type="click", at=1.5, recipient="a@b.example", tags=tags, data=data
        )
        self.assertEqual(read_event(_Row(id=5, **event_row(event))), event)
