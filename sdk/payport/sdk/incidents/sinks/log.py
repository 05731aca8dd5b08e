"""Alerts as log lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payport.sdk.events import Level
from payport.sdk.incidents.alert import Alert
from payport.sdk.incidents.kinds import FaultClass
from payport.sdk.incidents.records import Stage

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

_LEVELS = {FaultClass.CRITICAL: Level.ALERT, FaultClass.MAJOR: Level.ERROR, FaultClass.MINOR: Level.WARNING}


class LogAlerts:
    """Writes alerts through structlog, by their class as ``critical``, ``error`` and ``warning``; an end as ``info``.

    ``logger``: as in :class:`payport.sdk.StructlogSink`.
    """

    __slots__ = ("_logger",)

    def __init__(self, logger: FilteringBoundLogger | None = None) -> None:
        self._logger = logger

    def __call__(self, alert: Alert, /) -> None:
        """Write one line."""
        if self._logger is None:
            from payport.sdk.redaction import default_logger  # noqa: PLC0415 - structlog: 70 ms, not for a quiet process

            self._logger = default_logger()
        level = Level.INFO if alert.stage is Stage.RESOLVED else _LEVELS[alert.incident.fault_class]
        self._logger.log(int(level), f"incident.{alert.stage.value}", **alert.plain())
