"""The files of a composition: their names, types and content ids are checked, and each becomes a part."""

import re
from collections.abc import Sequence

from smtpeter.mime.entities import Entity, file_entity
from smtpeter.mime.faults import Faults
from smtpeter.mime.filetypes import MAX_TYPE, TypeUnfit, read_type, type_by_name
from smtpeter.model.composition import Attachment

MAX_FILES = 1000
MAX_FILE_NAME = 255
"""Characters: no file system takes more."""
MAX_CID = 200

_CID = re.compile(r"[A-Za-z0-9!#$%&'*+/=^_`{|}~.@:-]+")


def file_entities(attachments: Sequence[Attachment], faults: Faults) -> tuple[list[Entity], list[Entity]]:
    """The embedded files and the attached ones, each in the order in which they were given."""
    embedded: list[Entity] = []
    attached: list[Entity] = []
    seen: set[str] = set()
    if len(attachments) > MAX_FILES:
        faults.add("attachments", f"has more than {MAX_FILES} files")
        return embedded, attached
    for number, attachment in enumerate(attachments):
        place = f"attachments[{number}]"
        name = _name(f"{place}.name", attachment.name, faults)
        media_type, parameters = _type(f"{place}.type", attachment.type or type_by_name(name), faults)
        cid = _cid(f"{place}.cid", attachment.cid, seen, faults)
        entity = file_entity(attachment.data, name, media_type, parameters, cid)
        (embedded if cid else attached).append(entity)
    return embedded, attached


def _name(place: str, name: str, faults: Faults) -> str:
    if not faults.allows_line(place, name, MAX_FILE_NAME):
        return ""
    if "\t" in name:
        faults.add(place, "contains a tab")
    return name


def _type(place: str, text: str, faults: Faults) -> tuple[str, dict[str, str]]:
    if faults.allows_line(place, text, MAX_TYPE):
        try:
            return read_type(text)
        except TypeUnfit as problem:
            faults.add(place, str(problem))
    return "", {}


def _cid(place: str, text: str, seen: set[str], faults: Faults) -> str:
    """The content id without angle brackets; empty when there is none."""
    if not text or not faults.allows_line(place, text, MAX_CID):
        return ""
    cid = text[1:-1] if text.startswith("<") and text.endswith(">") else text
    if _CID.fullmatch(cid) is None:
        faults.add(place, "contains a character that no content id has")
        return ""
    if cid in seen:
        faults.add(place, "is the content id of another file too")
    seen.add(cid)
    return cid
