"""Tests of the body with which a reader unsubscribes."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.web.oneclick import is_one_click

FORM = "application/x-www-form-urlencoded"
PART = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n'


class OneClickTests(SynchronousTestCase):
    """What RFC 8058 lets mail programs send."""

    def test_form(self) -> None:
        """The pair acts as form data, with or without its type and a line end behind it."""
        for kind in (FORM, f"{FORM}; charset=utf-8", FORM.upper(), ""):
            for body in (
                b"List-Unsubscribe=One-Click",
                b"List-Unsubscribe=One-Click\r\n",
                b"List%2DUnsubscribe=One-Click",
            ):
                self.assertTrue(is_one_click(kind, body), (kind, body))

    def test_multipart(self) -> None:
        """The pair acts as the only part of a multipart form, quoted boundary or not, with a preamble or not."""
        for kind in ("multipart/form-data; boundary=b", 'Multipart/Form-Data; charset=x; boundary="b"'):
            for body in (PART + b"--b--\r\n", PART + b"--b--", b"preamble\r\n" + PART + b"--b--\r\nepilogue"):
                self.assertTrue(is_one_click(kind, body), (kind, body))

    def test_others(self) -> None:
        """Nothing else acts: other pairs, more pairs, other types, parts that do not end."""
        for body in (
            *(
                b"",
                b"List-Unsubscribe",
                b"List-Unsubscribe=",
                b"List-Unsubscribe=one-click",
                b"list-unsubscribe=One-Click",
            ),
            *(b"List-Unsubscribe=One-Click&a=b", b"a=b&List-Unsubscribe=One-Click", b"One-Click", b"\xff", b"a=%ff"),
            b"&" * 60_000,
        ):
            self.assertFalse(is_one_click(FORM, body), body[:50])
        for kind in ("application/json", "text/plain", "multipart/mixed; boundary=b", "multipart/form-data", ";"):
            self.assertFalse(is_one_click(kind, b"List-Unsubscribe=One-Click" if kind != ";" else b""), kind)
        other = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nOne-Click\r\n'
        unnamed = b"--b\r\n\r\nOne-Click\r\n"
        file = PART.replace(b"form-data", b"attachment")
        for body in (
            PART,
            PART + b"--b",
            PART + PART + b"--b--",
            other + b"--b--",
            unnamed + b"--b--",
            file + b"--b--",
        ):
            self.assertFalse(is_one_click("multipart/form-data; boundary=b", body), body)
        self.assertFalse(is_one_click("multipart/form-data; boundary=c", PART + b"--b--"))
