"""XML as partners' flat messages are read: one root, one value per name, no document type, no entities of one's own.

Read with the expat parser of the standard library and handlers that refuse everything that such a message does not
need: a document type (and with it every entity, external file and expansion bomb) is refused at its first word, before
any declaration in it is looked at; so are attributes, comments, processing instructions, other encodings than UTF-8, a
name that stands twice, and depth. A tree library with a hardened front (defusedxml) would refuse the entities only, and
leave attributes, comments inside of values and doubled names to be looked for in the tree: two readers could then take
one message for two things.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn
from xml.parsers import expat

MAX_BYTES = 256 * 1024
MAX_FIELDS = 2_000

_NAME = re.compile(r"[A-Za-z_][0-9A-Za-z_.-]*", re.ASCII)
_UNSAYABLE = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot carry at all (its production 2, *Char*)."""
_BLANK = " \t\r\n"


class MalformedXml(ValueError):
    """The bytes are no flat XML message with one meaning. Says nothing of its content, which may be anybody's."""


def parse_flat(data: bytes, *, root: str, max_bytes: int = MAX_BYTES) -> dict[str, str]:
    """The fields of ``<root><name>value</name>...</root>``, in their order, values as they stand.

    Text, CDATA and the five predefined references are one text. Raises :class:`MalformedXml`, whatever the bytes.
    """
    if len(data) > max_bytes:
        raise MalformedXml(f"longer than {max_bytes} bytes")
    reader = _Reader(root)
    try:
        data.decode("utf-8")  # expat lets some bytes through that no other reader would
        reader.parser.Parse(data, True)  # noqa: FBT003 - expat takes it by position only
    except MalformedXml:
        raise
    except (expat.ExpatError, ValueError):
        # not chained: expat's message may quote a name of the document
        raise MalformedXml("not well-formed XML in UTF-8") from None
    return reader.fields


def write_flat(fields: Mapping[str, str], *, root: str) -> bytes:
    """``<root>`` with one element per field, each value in CDATA. Raises ``ValueError`` for what XML cannot carry."""
    lines = [f"<{root}>"]
    for name, value in fields.items():
        if not _NAME.fullmatch(name):
            raise ValueError("a field's name is no name in XML")
        if is_unsayable(value):
            raise ValueError(f"{name} holds a character that XML cannot carry")
        lines.append(f"<{name}><![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]></{name}>")
    return "\n".join([*lines, f"</{root}>"]).encode()


def is_unsayable(text: str) -> bool:
    """Whether XML has no way to write this text: control characters and halves of surrogate pairs."""
    return _UNSAYABLE.search(text) is not None


class _Reader:
    """One reading. ``fields`` is whole once the parser has come to its end without an error."""

    def __init__(self, root: str) -> None:
        self.fields: dict[str, str] = {}
        self._root = root
        self._depth = 0
        self._name = ""
        self._pieces: list[str] = []
        self.parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.XmlDeclHandler = _check_declaration
        parser.StartDoctypeDeclHandler = _Refusal("a document type")
        parser.EntityDeclHandler = _Refusal("an entity declaration")
        parser.ExternalEntityRefHandler = _Refusal("a reference to something outside")
        parser.SkippedEntityHandler = _Refusal("a reference to an entity")
        parser.ProcessingInstructionHandler = _Refusal("a processing instruction")
        parser.CommentHandler = _Refusal("a comment")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if attributes:
            raise MalformedXml("an attribute stands in it")
        if self._depth == 1:
            if name != self._root:
                raise MalformedXml(f"its root is not <{self._root}>")
            return
        if self._depth > 2:
            raise MalformedXml("an element stands inside of a field")
        if not _NAME.fullmatch(name):
            raise MalformedXml("a field's name is no plain name")
        if name in self.fields:
            raise MalformedXml("a field stands twice")
        if len(self.fields) >= MAX_FIELDS:
            raise MalformedXml(f"more than {MAX_FIELDS} fields")
        self._name, self._pieces = name, []

    def _end(self, _: str) -> None:
        if self._depth == 2:
            self.fields[self._name] = "".join(self._pieces)
        self._depth -= 1

    def _text(self, text: str) -> None:
        if self._depth == 2:
            self._pieces.append(text)
        elif text.strip(_BLANK):
            raise MalformedXml("text stands between the fields")


def _check_declaration(_: str, encoding: str | None, __: int) -> None:
    if encoding is not None and encoding.lower() not in ("utf-8", "utf8"):
        raise MalformedXml("it declares another encoding than UTF-8")


class _Refusal:
    """A handler that refuses whatever it is called for. One class for handlers of every arity."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __call__(self, *_: object) -> NoReturn:
        raise MalformedXml(f"{self._what} stands in it")
