"""The conformance suite: what is true of any partner, tried with yours.

A partner plugs in with one :class:`Subject`: its simulator, its adapter, its ways to pay and its endpoints, as data::

    from payport.sdk.testing.conformance import cases

    @pytest.mark.parametrize("case", cases(SUBJECT), ids=str)
    def test_conformance(case, tmp_path):
        case.run(tmp_path)

or, without a file of one's own: ``pytest --payport-conformance=my_package.conformance``.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from payport.sdk.testing.conformance.case import AnySubject, Case
from payport.sdk.testing.conformance.subject import (
    Closes,
    Door,
    PartnerT,
    Payout,
    Subject,
    Way,
    whole_request,
)
from payport.sdk.testing.conformance.world import World

__all__ = ["Case", "Closes", "Door", "Payout", "Subject", "Way", "World", "cases", "subject_named", "whole_request"]


def cases(subject: Subject[PartnerT]) -> list[Case]:
    """Everything to be tried with a partner."""
    from payport.sdk.testing.conformance.checks import CHECKS  # noqa: PLC0415 - they import this package's parts

    return [case for check in CHECKS for case in check.cases(cast("AnySubject", subject))]


def subject_named(where: str) -> AnySubject:
    """The subject in a module, ``my_package.conformance`` or ``my_package.conformance:NAME``.

    Raises ``ImportError``, ``AttributeError``, or ``TypeError`` when what stands there is no subject.
    """
    module, _, name = where.partition(":")
    found: object = getattr(import_module(module), name or "SUBJECT")
    if not isinstance(found, Subject):
        raise TypeError(f"{where} is to be a payport.sdk.testing.conformance.Subject, not {type(found).__name__}")
    return cast("AnySubject", found)
