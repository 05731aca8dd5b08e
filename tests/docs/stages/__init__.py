"""The partner that plays on a page. A page ``docs/partners/<name>.md`` has its own, when ``<name>.py`` stands here.

Each module offers ``stage(page, clock)`` and ``DECLARATIONS``, the types of what a page is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Protocol, cast

from payport.sdk.adapter import AnyAdapter
from payport.sdk.transport import AsyncTransport, Transport

COMMON = """
from collections.abc import Callable
from payport.sdk import Gateway, Secret
sealing_key: Secret
calls: list[tuple[str, object]]
show: Callable[..., None]
ship = capture_later = later = tell = retry_is_safe = show
__all__ = ["account", "calls", "capture_later", "gateway", "later", "partner", "retry_is_safe", "sealing_key", "ship",
           "show", "tell"]
"""


class Player(Protocol):
    """A simulator, as a page's prelude needs it."""

    def transport(self) -> Transport:
        """The way to it in process."""
        ...

    def async_transport(self) -> AsyncTransport:
        """The same for the async gateway."""
        ...

    def close(self) -> None:
        """Stop it."""
        ...


@dataclass(frozen=True)
class Stage:
    """``account``: as it would be configured for the real partner; ``files``: what a merchant downloads, by name.

    ``plays``: whether an adapter that a page builds itself is to talk to this partner.
    """

    partner: Player
    account: object
    adapter: AnyAdapter
    files: Mapping[str, str]
    plays: Callable[[object], bool]


class _Module(Protocol):
    DECLARATIONS: str

    def stage(self, page: str, clock: Callable[[], datetime]) -> Stage: ...


def _module(page: str) -> tuple[str, _Module]:
    path = PurePosixPath(page)
    own = path.parent == PurePosixPath("docs/partners") and (Path(__file__).parent / f"{path.stem}.py").exists()
    name = path.stem if own else "alipay"
    return name, cast("_Module", import_module(f"{__name__}.{name}"))


def stage_of(page: str, clock: Callable[[], datetime]) -> Stage:
    """Who plays on a page."""
    return _module(page)[1].stage(page, clock)


def declarations_of(page: str) -> tuple[str, str]:
    """The types of a page's names, for a type checker that reads the snippets: the module's name and its text."""
    name, module = _module(page)
    return f"names_on_pages_of_{name}", COMMON + module.DECLARATIONS
