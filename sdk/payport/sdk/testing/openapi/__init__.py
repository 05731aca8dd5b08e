"""Holds requests and replies against a partner's OpenAPI document, in process. Needs the extra ``contract``."""

from payport.sdk.testing.openapi.checking import Checker, RecordingTransport
from payport.sdk.testing.openapi.document import Document, MalformedDocument, Route

__all__ = ["Checker", "Document", "MalformedDocument", "RecordingTransport", "Route"]
