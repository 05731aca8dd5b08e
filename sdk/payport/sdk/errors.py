"""Errors. An operation never raises for what a partner or a network did: that is an outcome.

::

    PayportError
      ConfigurationError     a key, certificate, URL or setting is wrong; says which and how to mend it
      ReferenceConflict      the same reference with another amount, currency, payee or kind
      UnknownReference       the reference is not in this journal (a LookupError too)
      GatewayClosed          the gateway was closed
      NotPermitted           this view of a gateway may not do that
      JournalError           the storage failed, or would have broken a rule (operations turn it into an outcome)
        JournalConflict      another writer was first
        JournalUnsure        the answer to a commit was lost: what was written may be there or not
      AuditError             the audit trail refused: too early to delete, a file that does not verify, no key
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


class JournalUnsure(JournalError):
    """The answer to a commit was lost: everything that was written may be there, or nothing. Read before deciding."""


class AuditError(PayportError):
    """The audit trail refused something, or a file of it is not what it should be. Says what, and what to do."""
