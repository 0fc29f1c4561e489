"""
The requests that the documentation of the hosted service shows, each by its page, for the clients that send them.

Spaces, line ends, spellings and the comma behind a last value are as they are shown. Only this is otherwise: addresses
and hosts are those of examples, with a recipient of its own for each; what is left out there (C{....}) is filled in;
where an example is a part, such as tags alone, it is within the least mail; and five slips are mended, for which no
program could have an answer (two commas that are missing, one too many, C{}} for C{]}, comments in JSON).

Left out is what is not there yet: pages on templates and personalisation, sender domains, DNS, DKIM, DMARC, SPF and
webhooks. Data requests and C{"images": "hosted"} have functional tests of their own.
"""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

MIME = (
    "MIME-Version: 1.0\\r\\nFrom: <info@example.com>\\r\\nTo: john@doe.example\\r\\nSubject: Whole\\r\\n"
    "Content-Type: text/html\\r\\n\\r\\n"
    "<p><a href='https://www.example.com/a'>a</a> <a href='https://www.example.com'>www.example.com</a></p>\\r\\n"
)
"""As it stands in JSON."""

TRACKED = "trackclicks;trackopens;trackbounces"


@frozen(kw_only=True)
class Example:
    """
    A body as it is shown, and the mail that is to come of it.

    @ivar page: where it is shown.
    @ivar recipients: whom it reaches, in order.
    @ivar headers: fields that the mail has; C{None} for one that it has not.
    @ivar properties: the features that the attempt names, in the order of the log file.
    """

    page: str
    body: str
    recipients: tuple[str, ...]
    type: str = "application/json"
    version: str = "v1"
    headers: Mapping[str, str | None] = field(factory=dict)
    text: str | None = None
    html: str | None = None
    properties: str = TRACKED
    envelope: str = ""
    tags: str = ""
    rcpt: str = ""
    """Parameters of RCPT TO (RFC 3461)."""
    mail: str = ""
    """Parameters of MAIL FROM."""
    files: tuple[tuple[str, str, str], ...] = ()
    """Names, types and contents of attachments."""


def examples(file_url: str) -> tuple[Example, ...]:
    """
    All of them.

    @param file_url: where an attachment is to be had.
    """
    return (*_SIMPLE, *_HEADERS, *_whole(), _attached(file_url), *_FORMS)


_SIMPLE = (
    Example(
        page="rest-api",
        body="""{
    "recipient":    "john.1@doe.example",
    "from":         "info@example.com",
    "to":           "john.1@doe.example",
    "subject":      "This is the subject",
    "text":         "This is example content",
}""",
        recipients=("john.1@doe.example",),
        headers={"from": "info@example.com", "to": "john.1@doe.example", "subject": "This is the subject"},
        text="This is example content",
    ),
    Example(
        page="rest-send",
        body="""{
    "recipient":    "john.2@doe.example",
    "subject":      "This is the subject",
    "html":         "This is example content",
    "from":         "info@example.com",
    "to":           "john.2@doe.example"
}""",
        recipients=("john.2@doe.example",),
        headers={"from": "info@example.com", "to": "john.2@doe.example", "subject": "This is the subject"},
        html="This is example content",
    ),
    Example(
        page="json-vs-post",
        version="v2",
        body="""{
    "envelope":     "info@example.com",
    "recipient":    "john.3@doe.example",
    "subject":      "This is the subject",
    "html":         "This is example content",
    "from":         "info@example.com",
    "to":           "john.3@doe.example"
}""",
        recipients=("john.3@doe.example",),
        envelope="info@example.com",
        html="This is example content",
    ),
    Example(
        page="rest-send-json",
        body="""{
    "recipient":    "john.4@doe.example",
    "subject":      "This is a test mail",
    "from":         "info@example.com",
    "text":         "This is the messge body...",
    "html":         "<html><head>..."
}""",
        recipients=("john.4@doe.example",),
        headers={"subject": "This is a test mail", "to": None},
        text="This is the messge body...",
        html="<html><head>...",
    ),
    Example(
        page="json-to-mime",
        body="""{
    "recipient": "john.5@doe.example",
    "from": "Peter <peter@example.com>",
    "to": "John Doe <joendoe@example.com>",
    "subject": "This is an example message",
    "text": "This is the text version of the mail",
    "html": "<html><body>This is the HTML version of the mail</body></html>"
}""",
        recipients=("john.5@doe.example",),
        headers={"from": "Peter <peter@example.com>", "to": "John Doe <joendoe@example.com>"},
        text="This is the text version of the mail",
        html="<html><body>This is the HTML version of the mail",
    ),
    Example(
        page="rest-send-multiple-recipients",
        body="""{
    "recipients": [
        "alice@example.net",
        "bob@example.net",
        "charles@example.net"
    ],
    "from": "info@example.com",
    "to": [
        "alice@example.net",
        "bob@example.net"
    ],
    "subject": "Here we have a subject",
    "text":    "Hello Alice en Bob!",
}""",
        recipients=("alice@example.net", "bob@example.net", "charles@example.net"),
        headers={"to": "alice@example.net, bob@example.net", "cc": None, "bcc": None},
        text="Hello Alice en Bob!",
    ),
)


def _part(number: int, shown: str, headers: Mapping[str, str | None], **more: Any) -> Example:
    """An example that is a part of a mail."""
    recipient = f"john.{number}@doe.example"
    body = f'{{\n    "recipient": "{recipient}",\n    "from": "info@example.com",\n{shown}\n}}'
    return Example(page="rest-send-json", body=body, recipients=(recipient,), headers=headers, **more)


_CONTENT = """    "subject": "this is the subject line",
    "html": "<html> .... </html>",
    "text": "text version of the email\""""

_HEADERS = (
    Example(
        page="rest-send-json",
        body="""{
    "recipient": "john.10@doe.example", "text": "x",
    "from": "info@example.com",
    "to": [
        "one@example.com",
        "two@example.com",
        "\\"Number three\\" <three@example.com>, info@example.com"
    ],
    "cc": "John Doe <johndoe@example.org>"
}""",
        recipients=("john.10@doe.example",),
        headers={
            "to": "one@example.com, two@example.com, Number three <three@example.com>, info@example.com",
            "cc": "John Doe <johndoe@example.org>",
        },
    ),
    _part(11, _CONTENT, {"subject": "this is the subject line"}, text="text version of the email", html="<html> .... "),
    _part(
        12,
        f'{_CONTENT},\n    "unsubscribe": "unsubscribe@example.com"',
        {"list-unsubscribe": "<mailto:unsubscribe@example.com>"},
    ),
    _part(
        13,
        f'{_CONTENT},\n    "unsubscribe": "http://www.example.com"',
        {"list-unsubscribe": "<http://www.example.com>"},
    ),
    _part(
        14,
        f'{_CONTENT},\n    "unsubscribe": [ "http://www.example.com", "unsubscribe@example.com" ]',
        {"list-unsubscribe": "<http://www.example.com>, <mailto:unsubscribe@example.com>"},
    ),
    _part(
        15,
        f"""{_CONTENT},
    "extra": {{
        "x-my-identifier": "abcdefg",
        "x-custom-property": "custom"
    }}""",
        {"x-my-identifier": "abcdefg", "x-custom-property": "custom"},
    ),
)


def _mime(number: int, page: str, shown: str, *, before: str = "", **more: Any) -> Example:
    """An example with a whole message."""
    recipient = f"john.{number}@doe.example"
    body = f'{{\n{before}    "recipient":    "{recipient}",\n    "mime":         "{MIME}"{shown}\n}}'
    return Example(page=page, body=body, recipients=(recipient,), headers={"subject": "Whole"}, **more)


def _whole() -> tuple[Example, ...]:
    return (
        _mime(20, "rest-mime", ""),
        _mime(
            21,
            "rest-dsn",
            "",
            before='    "envelope":     "myaddress@example.com",\n',
            envelope="myaddress@example.com",
        ),
        _mime(
            22,
            "rest-send-advanced",
            """,
    "inlinecss":    true,
    "trackclicks":  true,
    "trackopens":   false,
    "trackbounces": true,
    "preventscam":  true,\x20
    "tags": [
        "tag1",
        "tag2"
    ],
    "maxdelivertime": "2096-03-20 13:00:00\"""",
            properties="preventscam;inlinecss;trackbounces;trackclicks",
            tags="tag1;tag2",
        ),
        _mime(
            23,
            "rest-send-advanced",
            ',\n    "trackclicks":  false,\n    "trackopens":   false,\n    "trackbounces": false',
            properties="",
        ),
        _mime(
            24,
            "rest-send-advanced",
            ',\n    "trackclicks":  true,\n    "preventscam":  true',
            properties="preventscam;trackbounces;trackopens;trackclicks",
        ),
        _mime(
            25,
            "rest-send-advanced",
            ',\n    "trackbounces": false',
            before='    "envelope":     "your@address.example",\n',
            envelope="your@address.example",
            properties="trackopens;trackclicks",
        ),
        _mime(
            26,
            "rest-send",
            """,
    "trackclicks":  true,
    "preventscam":  true,
    "dsn": {
        "notify":           "FAILURE",
        "ret":              "FULL",
        "envid":            "your-identifier",
        "orcpt":            "original@recipient.address.example"
    }""",
            properties="preventscam;trackbounces;trackopens;trackclicks",
            rcpt="NOTIFY=FAILURE ORCPT=rfc822;original@recipient.address.example",
            mail="RET=FULL ENVID=your-identifier",
        ),
        _mime(
            27,
            "rest-dsn",
            """,
    "dsn": {
        "notify":   "SUCCESS,FAILURE",
        "ret":      "HDRS"
    }""",
            before='    "envelope":     "youraddress@yourdomain.example",\n',
            envelope="youraddress@yourdomain.example",
            rcpt="NOTIFY=SUCCESS,FAILURE",
            mail="RET=HDRS",
        ),
        _mime(28, "images", ',\n    "images": "default"'),
        Example(
            page="rest-send",
            body=f"""{{
    "recipients":   [ "john.29@doe.example", "someone@else.example" ],
    "mime":         "{MIME}"
}}""",
            recipients=("john.29@doe.example", "someone@else.example"),
        ),
        Example(
            page="rest-send",
            body=f"""{{\x20\x20\x20
    "recipients" : {{
        "jane@doe.example": {{
        }},
        "john.30@doe.example": {{
        }}
    }},
    "mime": "{MIME}",
}}""",
            recipients=("jane@doe.example", "john.30@doe.example"),
        ),
    )


def _attached(url: str) -> Example:
    data = "VGhpcyBpcyBqdXN0IGFuIGV4YW1wbGUgdGV4dCBmaWxlLi4="
    return _part(
        40,
        f"""    "text": "x",
    "attachments": [
        {{
            "url": "{url}",
            "name": "attachment1.pdf",
            "type": "application/pdf"
        }},
        {{
            "data": "{data}",
            "name": "test.txt",
            "type": "text/plain"
        }}
    ]""",
        {},
        files=(
            ("attachment1.pdf", "application/pdf", "%PDF-1.4 elsewhere"),
            ("test.txt", "text/plain", "This is just an example text file.."),
        ),
    )


_FORM_BODY = (
    "envelope=info%40example.com&recipient=john.{}%40doe.example&from=info%40example.com&subject=Form+data&text=a%26b"
)

_FORMS = (
    Example(
        page="json-vs-post",
        version="v2",
        type="application/x-www-form-urlencoded",
        body=_FORM_BODY.format(50),
        recipients=("john.50@doe.example",),
        headers={"subject": "Form data"},
        text="a&b",
        envelope="info@example.com",
    ),
    Example(
        page="rest-send",
        type="application/x-www-form-encoded",
        body=_FORM_BODY.format(51),
        recipients=("john.51@doe.example",),
        headers={"subject": "Form data"},
        text="a&b",
        envelope="info@example.com",
    ),
)

CODE = {
    "envelope": "sender@example.com",
    "recipient": "receiver@doe.example",
    "subject": "This is the mail subject",
    "from": "sender@example.com",
    "to": "receiver@doe.example",
    "text": "This is the text version",
    "html": "<html><head><style>body { font-weight: 600; }</style></head><body>This is the html version.</body></html>",
}
"""What the examples in PHP and in Python send, there as an array and as a dictionary (php-example, python-example)."""

EMBEDDED = {
    "recipient": "embedded@doe.example",
    "from": "sender@example.com",
    "html": "<p><img src='cid:logo'></p>",
    "attachments": [
        {"data": "R0lGODlhAQABAAAAACw=", "name": "logo.gif", "type": "image/gif", "cid": "logo"},
        {"data": "QUJD" * 400_000, "name": "large.txt", "type": "text/plain"},
    ],
}
"""An embedded image, and a body so large that curl waits for C{100 Continue} before it sends it."""

UNFIT_MIME = """\
From: Peter <peter@example.com>
To: John Doe <johndoe@example.com>
Subect: This is an example message
MIME-Version: 1.0
Message-id: <example@example>
Date: Sun, 20 Mar 2016 13:00:00 GMT
Content-Type: multipart/alternative; boundary="---my-boundary---"

This is a multipart MIME message

---my-boundary---
Content-Type: text/plain
Content-Transfer-Encoding: quoted-printable

This is the text version of the mail
---my-boundary---
Contennt-Type: text/html
Content-Transfer-Encoding: quoted-printable

<html>=0A    <body>=0A        This is the HTML version of the mail=0A    </=
body>=0A</html>

---my-boundary-----
"""
"""The message of json-to-mime: slips in names, and separators that are none, since two hyphens are missing."""
