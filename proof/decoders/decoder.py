"""One decoder: what reads a stranger's bytes, genuine samples of them, and the errors that it declares."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from proof.mutating import Form, Spoiler

Read = Callable[[bytes], object]
"""Answers, or raises one of the declared errors."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A genuine message, and what reads it."""

    data: bytes
    read: Read


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """``declared``: what ``read`` may raise. ``believing``: read with every signature taken for genuine, so that the
    content of an authentic message is what is spoilt. ``words``: texts to put in.
    """

    name: str
    samples: Sequence[Sample]
    declared: tuple[type[Exception], ...] = ()
    form: Form = Form.TEXT
    believing: bool = False
    words: Sequence[bytes] = ()
    spoiler: Spoiler = field(init=False, repr=False)

    @property
    def slug(self) -> str:
        """The name of its folder in the corpus."""
        return re.sub(r"[^0-9a-z]+", "-", self.name.lower()).strip("-")

    def __post_init__(self) -> None:
        made = Spoiler([sample.data for sample in self.samples], self.form, self.words)
        object.__setattr__(self, "spoiler", made)


def decoder(
    name: str,
    read: Read,
    *samples: bytes,
    declared: tuple[type[Exception], ...] = (),
    form: Form = Form.TEXT,
    words: Sequence[bytes] = (),
) -> Decoder:
    """A decoder with one way of reading."""
    return Decoder(
        name=name, samples=[Sample(data, read) for data in samples], declared=declared, form=form, words=words
    )


def as_text(read: Callable[[str], object]) -> Read:
    """What reads text, fed any bytes."""
    return lambda data: read(data.decode("latin-1"))


class Refused(Exception):
    """What was not taken: for decoders that answer a value instead of raising."""
