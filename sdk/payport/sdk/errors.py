"""Errors. An operation never raises for what a partner or a network did: that is an outcome.

::

    PayportError
      ConfigurationError     a key, certificate, URL or setting is wrong; says which and how to mend it
      ReferenceConflict      the same reference with another amount, currency, payee or kind
      GatewayClosed          the gateway was closed
      NotPermitted           this view of a gateway may not do that
      JournalError           the storage failed, or would have broken a rule (operations turn it into an outcome)
        JournalConflict      another writer was first
"""

from __future__ import annotations


class PayportError(Exception):
    """The root of everything this library raises."""


class ConfigurationError(PayportError):
    """A key, certificate, URL or setting is wrong. The message says which and how to mend it, and shows no secret."""


class ReferenceConflict(PayportError):
    """A reference was used again with another amount, currency, payee or kind. Nothing was sent."""


class GatewayClosed(PayportError):
    """The gateway was closed. Nothing was sent."""


class NotPermitted(PayportError):
    """Whoever asked may not do that: the view of the gateway that was used is for other verbs. Nothing was sent."""


class JournalError(PayportError):
    """The journal could not be read or written, or a write would have broken one of its rules."""


class JournalConflict(JournalError):
    """Another writer changed the row first. Nothing was written; read again and decide again."""
