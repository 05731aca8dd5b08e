"""What requests are made of: Alipay's spelling, checked here so that nothing is sent which Alipay must refuse.

Amounts are text in yuan with two places: ``Money.of("12.34", "CNY").text()`` writes it. Floats are refused everywhere.
Times are text in China Standard Time: ``china_time`` of ``payport.adapters.alipay.calls`` writes it.
Source: open.alipay.com, request parameters; limits as in the partner's papers on creating orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self, TypeAlias, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from payport.adapters.alipay.calls import from_china_time

MAX_YUAN_MINOR = 10_000_000_000


def _in_range(text: str) -> str:
    if not 1 <= int(text.replace(".", "")) <= MAX_YUAN_MINOR:
        raise ValueError("an amount is 0.01 to 100000000.00 yuan")
    return text


def _real_time(text: str) -> str:
    from_china_time(text)
    return text


def _no_floats(value: Mapping[str, object]) -> Mapping[str, object]:
    waiting: list[object] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, float):
            # without the value: it may be an amount of somebody
            raise ValueError("a float cannot hold an amount exactly; write text")  # noqa: TRY004 - pydantic wants it
        if isinstance(item, Mapping):
            waiting.extend(cast("Mapping[object, object]", item).values())
        elif isinstance(item, list | tuple):
            waiting.extend(cast("list[object]", item))
    return value


Yuan: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,8})\.[0-9]{2}$"), AfterValidator(_in_range)
]
"""An amount: ``"12.34"``."""
ChinaTime: TypeAlias = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$"),
    AfterValidator(_real_time),
]
"""A time: ``"2026-01-31 12:00:00"``, China Standard Time."""
Span: TypeAlias = Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]{0,4}[mhd]|1c)$")]
"""A length of time: ``"30m"``, ``"2h"``, ``"15d"``; ``"1c"`` is until midnight."""
Number: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_]{1,64}$")]
"""The merchant's own number of an order or request: what Alipay recognises a repetition by."""
Text28: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=28)]
Text32: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=32)]
Text64: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Text100: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Text128: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Text200: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text256: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Text512: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Text: TypeAlias = Annotated[str, StringConstraints(min_length=1)]
"""A text whose limit is not published."""
Address: TypeAlias = Annotated[str, StringConstraints(pattern=r"^https?://", max_length=256)]
"""An absolute URL."""
Record: TypeAlias = Annotated[Mapping[str, object], AfterValidator(_no_floats)]
"""An object in Alipay's spelling whose fields are Alipay's business. No floats inside."""


class Part(BaseModel):
    """A part of a request. Unknown names and empty texts are refused; errors never quote what was given."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, strict=True)


class Request(Part):
    """The base of all requests. ``one_of``: groups of fields; one of each group must be given."""

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = ()

    @model_validator(mode="after")
    def _names_what_it_is_about(self) -> Self:
        for group in self.one_of:
            if all(getattr(self, name) is None for name in group):
                raise ValueError(f"give {' or '.join(group)}")
        return self

    def content(self) -> dict[str, object]:
        """The business content, without what was not given."""
        return self.model_dump(mode="json", exclude_none=True)


class Notified(Request):
    """A request whose end is told by a notification. ``notify_url``: where to; the account's address when absent."""

    notify_url: Address | None = Field(default=None, exclude=True)


class Returning(Notified):
    """A request that opens a page. ``return_url``: where the browser goes afterwards, which proves nothing."""

    return_url: Address | None = Field(default=None, exclude=True)


class OfTrade(Request):
    """A request about a trade, named by the merchant's number or by Alipay's."""

    one_of = (("out_trade_no", "trade_no"),)

    out_trade_no: Number | None = None
    trade_no: Text64 | None = None
