"""Holds requests and replies against a partner's OpenAPI document, in process. Needs the extra ``contract``."""

from payport.sdk.openapi import Document, MalformedDocument, Route
from payport.sdk.testing.openapi.checking import Checker, RecordingTransport

__all__ = ["Checker", "Document", "MalformedDocument", "RecordingTransport", "Route"]
