"""What an adapter may bring along for the command line: modules of fixed names in its package.

An adapter announces its class in the entry-point group ``payport.adapters``; the package that the entry point names may
hold the modules ``simulator`` (:class:`Simulator`), ``doctor`` (:class:`Doctor`), ``demo`` (``PLAY``, see
:mod:`payport.sdk.cli.demo`) and ``uses`` (``USES``: what the adapter uses of a published OpenAPI document). A partner
of your own brings them the same way; what it does not bring, its commands say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, cast

from payport.sdk.adapter import Adapter
from payport.sdk.cli.findings import Finding
from payport.sdk.drift import Use
from payport.sdk.errors import ConfigurationError
from payport.sdk.exchange import Exchange
from payport.sdk.settings import ENTRY_POINTS
from payport.sdk.testing.wire import Incoming

if TYPE_CHECKING:
    from payport.sdk.cli.demo.stage import AnyPlay


class Simulator(Protocol):
    """A partner's side that can be served. The module ``simulator`` lists one such class in its ``__all__``.

    The class is the one whose name ends in ``Simulator``; it is called without arguments.
    """

    @property
    def url(self) -> str:
        """Scheme, host and port, while it is served."""
        ...

    @property
    def requests(self) -> Sequence[Incoming]:
        """What arrived so far, oldest first."""
        ...

    def serve(self, *, port: int = 0) -> object:
        """Listen on loopback TLS, on a free port when none is given."""
        ...

    def settings_files(self) -> Mapping[str, str]:
        """``payport.toml`` with one account, and the files it refers to: names and texts."""
        ...

    def close(self) -> None:
        """Stop listening."""
        ...


class Doctor(Protocol):
    """The module ``doctor``: looks at one account of its partner."""

    def examine(self, adapter: Adapter, now: datetime) -> Sequence[Finding]:
        """What can be said without a network: keys, formats, dates."""
        ...

    def converse(self, adapter: Adapter, deadline_s: float) -> Exchange[Sequence[Finding]]:
        """One harmless signed question to the partner, and what its answer tells about keys and rights."""
        ...


def partners() -> tuple[str, ...]:
    """The partners that an adapter is installed for."""
    return tuple(sorted(entry_points(group=ENTRY_POINTS).names))


def simulator_of(partner: str) -> Simulator:
    """A simulator of the partner, not served yet. Raises :class:`payport.sdk.ConfigurationError` when there is none."""
    module = _beside(partner, "simulator")
    names = [name for name in getattr(module, "__all__", ()) if name.endswith("Simulator")]
    if len(names) != 1:
        raise ConfigurationError(
            f"{module.__name__} lists {len(names)} classes whose names end in Simulator in __all__; one is needed"
        )
    make = cast("Callable[[], Simulator]", getattr(module, names[0]))
    return make()


def doctor_of(partner: str) -> Doctor | None:
    """The partner's own checks, ``None`` when its adapter brings none."""
    return cast("Doctor", _beside(partner, "doctor")) if _has(partner, "doctor") else None


def plays_of(partner: str | None) -> Sequence[AnyPlay]:
    """The play of a partner: ``PLAY`` of its module ``demo``. Of every partner that has one when none is named.

    The ones that have to wait for their finale come first. Raises :class:`payport.sdk.ConfigurationError` when there
    is none.
    """
    chosen = [partner] if partner else [name for name in partners() if _has(name, "demo")]
    if not chosen:
        raise ConfigurationError("none of the installed adapters brings a demo")
    plays = [cast("AnyPlay", _beside(name, "demo").PLAY) for name in chosen]
    return sorted(plays, key=lambda play: not play.finale)


def uses_of(partner: str) -> Sequence[Use]:
    """What the partner's adapter uses of a published document: ``USES`` of its module ``uses``.

    Raises :class:`payport.sdk.ConfigurationError` for a partner that publishes none.
    """
    return cast("Sequence[Use]", _beside(partner, "uses").USES)


def _beside(partner: str, part: str) -> ModuleType:
    if not _has(partner, part):
        raise ConfigurationError(f"the adapter for {partner!r} brings no {part}: {_name(partner, part)} is not there")
    return import_module(_name(partner, part))


def _has(partner: str, part: str) -> bool:
    try:
        return find_spec(_name(partner, part)) is not None
    except ModuleNotFoundError:  # the entry point names a plain module, which can hold no others
        return False


def _name(partner: str, part: str) -> str:
    installed = entry_points(group=ENTRY_POINTS)
    if partner not in installed.names:
        known = ", ".join(partners()) or "none"
        raise ConfigurationError(f"no adapter for {partner!r} is installed (installed: {known})")
    return f"{installed[partner].module}.{part}"
