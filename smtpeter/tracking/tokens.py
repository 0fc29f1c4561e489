"""The tokens in one place: what makes them and what reads them. All are stateless and under L{MacKeys}."""

from smtpeter.tracking.clicks import Click, click_mark, make_click, read_click
from smtpeter.tracking.marks import (
    Mark,
    make_bounce,
    make_pixel,
    make_reference,
    make_unsubscribe,
    pixel_mark,
    read_bounce,
    read_pixel,
    read_reference,
    read_unsubscribe,
    reference_mark,
    unsubscribe_mark,
)
from smtpeter.tracking.seal import SEAL_CHARACTERS, Forged, raw_id
from smtpeter.tracking.urls import BrowserURL, NotTrackable, browser_url

__all__ = [
    "SEAL_CHARACTERS",
    "BrowserURL",
    "Click",
    "Forged",
    "Mark",
    "NotTrackable",
    "browser_url",
    "click_mark",
    "make_bounce",
    "make_click",
    "make_pixel",
    "make_reference",
    "make_unsubscribe",
    "pixel_mark",
    "raw_id",
    "read_bounce",
    "read_click",
    "read_pixel",
    "read_reference",
    "read_unsubscribe",
    "reference_mark",
    "unsubscribe_mark",
]
