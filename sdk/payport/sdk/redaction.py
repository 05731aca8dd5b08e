"""What may stand in a log line: a processor for structlog that drops and masks, and one call that sets logging up.

Events of this library are safe by their types (:mod:`payport.sdk.events`). This is the second line of defence, and the
first for whatever else an application sends through the same logger.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from enum import Enum
from json import JSONEncoder
from typing import TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from payport.schemas.classes import FieldClass, field_classes
from payport.sdk.card_numbers import SMALLEST_CARD_NUMBER, mask_card_numbers, may_hold_card_number
from payport.sdk.events import HIDDEN_CLASSES, Level, SdkEvent
from payport.sdk.secrets import MASK, Secret

_STANDARD = ("event", "level", "logger", "timestamp", "exception", "stack")
_SAFE = frozenset({str, int, float, bool, type(None)})


class Redaction:
    """A structlog processor: drops fields that are not known, masks personal and secret ones and card numbers.

    Known are the fields of all events of this library and structlog's own. ``extra_fields``: the application's
    fields by name, with their class. A value that is no text, number, truth value or enum is replaced by its type.
    """

    __slots__ = ("_shown",)

    def __init__(self, extra_fields: Mapping[str, FieldClass] | None = None) -> None:
        shown: dict[str, bool] = {}
        for kind in _event_kinds(SdkEvent):
            for name, found in field_classes(kind).items():
                shown[name] = shown.get(name, True) and found not in HIDDEN_CLASSES
        shown |= {name: found not in HIDDEN_CLASSES for name, found in (extra_fields or {}).items()}
        self._shown = shown | dict.fromkeys(_STANDARD, True)

    def __call__(self, _logger: object, _method: str, line: MutableMapping[str, object]) -> dict[str, object]:
        """The fields of one line as they may be written."""
        shown = self._shown
        clean = {name: value if shown[name] else MASK for name, value in line.items() if name in shown}
        # one search over the whole line instead of one per field: nearly every line is clean, and it is a third dearer
        if not _SAFE.issuperset(map(type, clean.values())) or may_hold_card_number("\n".join(map(str, clean.values()))):
            return {name: _clean(value) for name, value in clean.items()}
        return clean


def _event_kinds(base: type[SdkEvent]) -> Iterator[type[SdkEvent]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _event_kinds(kind)


def _clean(value: object) -> object:
    match value:
        case str():
            return mask_card_numbers(value)
        case bool() | float() | None:
            return value
        case int():
            return value if abs(value) < SMALLEST_CARD_NUMBER else mask_card_numbers(str(value))
        case Enum():
            return _clean(value.value)
        case list():  # structlog's frames of an exception: plain lists and mappings, without local variables
            return [_clean(item) for item in cast("list[object]", value)]
        case dict():
            return {str(key): _clean(item) for key, item in cast("dict[object, object]", value).items()}
        case Secret():
            return MASK
        case _:
            return f"<{type(value).__name__}>"


def configure_logging(
    *, least: Level = Level.INFO, extra_fields: Mapping[str, FieldClass] | None = None, file: TextIO | None = None
) -> None:
    """Set structlog up for this process: one redacted JSON object a line, on ``file`` (the standard error by default).

    For applications that have no logging of their own; others add :class:`Redaction` to their processors. ``least``:
    lines below it are not written. ``extra_fields``: see :class:`Redaction`; fields bound to structlog's context
    variables are written when they are named here. Tracebacks carry no local variables. The loggers of httpx and
    httpcore, which write whole URLs and headers, are set to warnings only.
    """
    structlog.configure(
        processors=_processors(extra_fields),
        wrapper_class=structlog.make_filtering_bound_logger(int(least)),
        logger_factory=structlog.WriteLoggerFactory(file or sys.stderr),
        cache_logger_on_first_use=True,
    )
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def default_logger() -> FilteringBoundLogger:
    """The application's structlog logger ``payport``; one for warnings on the standard error where it has none.

    structlog's own default would print every payment on the standard output of who never asked for logs.
    """
    if structlog.is_configured():
        configured: FilteringBoundLogger = structlog.get_logger("payport").bind()
        return configured
    quiet: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        processors=_processors(None),
        wrapper_class=structlog.make_filtering_bound_logger(int(Level.WARNING)),
    ).bind()
    return quiet


def _processors(extra_fields: Mapping[str, FieldClass] | None) -> list[Processor]:
    encode = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
        Redaction(extra_fields),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _logger, _method, line: encode(line),
    ]
