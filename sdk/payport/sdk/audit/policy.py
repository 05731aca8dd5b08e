"""What a journal records, and whose signature its heads carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from payport.sdk.audit.heads import HeadSink
from payport.sdk.audit.signing import AuditKey
from payport.sdk.errors import ConfigurationError
from payport.sdk.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPolicy:
    """How a journal keeps its audit trail.

    ``payers``: record the payer's id, e-mail and IP address too, sealed under a key of the debt; needs a sealing key.
    ``exchange_key``: keep what goes over the wire, too, sealed under this key, which should not be the journal's; of
    several the first seals, all open. See :mod:`payport.sdk.audit.exchanges` for what is left out even then.
    ``key``, ``sinks``: sign heads with this key, and hand them to each of these. ``head_every``, ``head_every_s``: a
    head is due after so many records, or so many seconds after the last one where there is any new record.

    Raises :class:`payport.sdk.errors.ConfigurationError` for sinks without a key, and for a key without sinks.
    """

    payers: bool = False
    exchange_key: Secret | Sequence[Secret] | None = field(default=None, repr=False)
    key: AuditKey | None = None
    sinks: Sequence[HeadSink] = ()
    head_every: int = 1000
    head_every_s: float = 60.0

    def __post_init__(self) -> None:
        if (self.key is None) is not (not self.sinks):
            raise ConfigurationError(
                "signed heads need a key and a place: give AuditPolicy(key=..., sinks=[HeadFile(path)]), or neither"
            )
        if self.head_every < 1 or self.head_every_s <= 0:
            raise ConfigurationError("head_every and head_every_s must be more than zero")
