"""A message as it was sent: its addresses, header, texts and files, and the whole of it."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from attrs import define

from smtpeter.boundaries.archive import SentMessages
from smtpeter.mime.contents import Contents, File, find_file, header_text, read_contents
from smtpeter.model.archive import SentEnvelope
from smtpeter.web.api.answers import TEXT, Answer, as_json
from smtpeter.web.api.faults import APIError, not_found
from smtpeter.web.api.openapi.messages import FILES, MESSAGES
from smtpeter.web.api.routes import Arguments, Caller, Route
from smtpeter.web.api.threads import Threads

T = TypeVar("T")
Show = Callable[[bytes], T]

SMALL_BYTES = 262_144
"""A larger message is read in a thread."""

_UNSNIFFED = {"X-Content-Type-Options": "nosniff"}
"""What stands in a message is never more to a browser than its type says."""


@define(eq=False)
class MessageResources:
    """C{/v1/recipient}, C{envelope}, C{text}, C{html}, C{headers}, C{mime}, C{attachments}, C{embeds}."""

    _sent: SentMessages
    _threads: Threads

    def routes(self) -> Sequence[Route]:
        """What it answers."""
        shown: dict[str, Callable[[Caller, Arguments], Awaitable[Answer]]] = {
            "recipient": self.recipient,
            "envelope": self.envelope,
            "text": partial(self._text, _plain_text),
            "html": partial(self._text, _html),
            "headers": partial(self._text, _header),
            "header": partial(self._text, _header),
            "mime": self.mime,
            "attachments": partial(self._list, _attachments),
            "embeds": partial(self._list, _embeds),
        }
        files = {"attachments": partial(self._file, _attachment), "embeds": partial(self._file, _embed)}
        return [
            *(Route("GET", f"/{name}/<id>", "read", respond, MESSAGES[name]) for name, respond in shown.items()),
            *(
                Route("GET", f"/{name}/<id>/<path:which>", "read", respond, FILES[name])
                for name, respond in files.items()
            ),
        ]

    async def recipient(self, caller: Caller, arguments: Arguments) -> Answer:
        """To whom it went."""
        return _as_text((await self._envelope(caller, arguments)).recipient)

    async def envelope(self, caller: Caller, arguments: Arguments) -> Answer:
        """From whom, as the client said it; possibly nothing."""
        return _as_text((await self._envelope(caller, arguments)).reverse_path)

    async def mime(self, caller: Caller, arguments: Arguments) -> Answer:
        """All of it, byte for byte."""
        content = await self._content(caller, arguments)
        return Answer(body=content, content_type=TEXT, headers=_UNSNIFFED)

    async def _envelope(self, caller: Caller, arguments: Arguments) -> SentEnvelope:
        found = await self._sent.envelope(caller.account.id, arguments.path["id"])
        if found is None:
            raise _unknown()
        return found

    async def _content(self, caller: Caller, arguments: Arguments) -> bytes:
        content = await self._sent.content(caller.account.id, arguments.path["id"])
        if content is None:
            raise _unknown()
        return content

    async def _show(self, show: Show[T], caller: Caller, arguments: Arguments) -> T:
        content = await self._content(caller, arguments)
        return show(content) if len(content) <= SMALL_BYTES else await self._threads.run(show, content)

    async def _text(self, show: Show[str | None], caller: Caller, arguments: Arguments) -> Answer:
        text = await self._show(show, caller, arguments)
        if text is None:
            raise not_found("The message has no such part.")
        return _as_text(text)

    async def _list(self, show: Show[list[dict[str, object]]], caller: Caller, arguments: Arguments) -> Answer:
        return as_json(await self._show(show, caller, arguments))

    async def _file(
        self, find: Callable[[str, bytes], tuple[File, bytes] | None], caller: Caller, arguments: Arguments
    ) -> Answer:
        found = await self._show(partial(find, arguments.path["which"]), caller, arguments)
        if found is None:
            raise not_found("The message has no such file.")
        file, octets = found
        named = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}" if file.name else "attachment"
        return Answer(body=octets, content_type=file.type, headers={**_UNSNIFFED, "Content-Disposition": named})


def _unknown() -> APIError:
    return not_found("There is no message of that id, or it is kept no longer.")


def _as_text(text: str) -> Answer:
    return Answer(body=text.encode("utf-8", "replace"), content_type=TEXT, headers=_UNSNIFFED)


def _plain_text(content: bytes) -> str | None:
    return read_contents(content).text()


def _html(content: bytes) -> str | None:
    return read_contents(content).html()


def _header(content: bytes) -> str | None:
    return header_text(content)


def _attachments(content: bytes) -> list[dict[str, object]]:
    return list(map(_described, read_contents(content).attachments))


def _embeds(content: bytes) -> list[dict[str, object]]:
    return [{**_described(file), "cid": file.cid} for file in read_contents(content).embeds]


def _described(file: File) -> dict[str, object]:
    return {"number": file.number, "name": file.name, "type": file.type, "size": file.size}


def _attachment(which: str, content: bytes) -> tuple[File, bytes] | None:
    contents = read_contents(content)
    return _found(contents, contents.attachments, which)


def _embed(which: str, content: bytes) -> tuple[File, bytes] | None:
    contents = read_contents(content)
    return _found(contents, contents.embeds, which)


def _found(contents: Contents, files: Iterable[File], which: str) -> tuple[File, bytes] | None:
    file = find_file(files, which)
    return None if file is None else (file, contents.octets(file))
