"""Signatures of webhooks, as https://www.standardwebhooks.com has them: HMAC-SHA256 over id, time and body."""

import base64
import binascii
import hashlib
import hmac

from volant.kernel.clock import SECOND_US
from volant.monitoring.alert_ports import Undelivered

PREFIX = "whsec_"


def signed(secret: str, delivery_id: str, body: bytes, now: int) -> dict[str, str]:
    """The three headers. ``webhook-id`` is the same at every try of a delivery, so that a receiver can drop repeats."""
    seconds = now // SECOND_US
    mac = hmac.new(key_of(secret), f"{delivery_id}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def key_of(secret: str) -> bytes:
    """``whsec_`` and base64, as the receivers' libraries want it; any other text is a key as it is."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise Undelivered("its secret begins with whsec_, but what follows is not base64") from error
