"""What an adapter is written with, in one place: plans and steps, calls, and what is learnt from their answers."""

from __future__ import annotations

from payport.sdk.adapter import InvalidIntent, Opened, Plan, Slot
from payport.sdk.calling import JsonObject, call, call_json, json_of, kept
from payport.sdk.exchange import Exchange
from payport.sdk.hints import confirmed
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.observation import Observation, Source, doubt

__all__ = [
    "Exchange",
    "InvalidIntent",
    "JsonObject",
    "Observation",
    "Opened",
    "Operation",
    "Plan",
    "Slot",
    "Source",
    "State",
    "Step",
    "Verb",
    "WireReply",
    "WireRequest",
    "call",
    "call_json",
    "confirmed",
    "doubt",
    "json_of",
    "kept",
]
