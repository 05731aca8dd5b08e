"""Receive notifications behind any web framework: the raw bytes go to the gateway before anybody parses them."""

from payport.sdk.web.asgi import AsgiNotifications
from payport.sdk.web.raw import MAX_BODY_BYTES
from payport.sdk.web.wsgi import WsgiNotifications

__all__ = ["MAX_BODY_BYTES", "AsgiNotifications", "WsgiNotifications"]
