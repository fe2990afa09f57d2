"""Compact JSON, and server-sent events as OpenAI writes them."""

import json
from collections.abc import Mapping


def packed(payload: Mapping[str, object]) -> bytes:
    """JSON without blanks."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def event(data: bytes, *lines: str) -> bytes:
    """An event: lines of its own, then the data."""
    return "".join(f"{line}\n" for line in lines).encode() + b"data: " + data + b"\n\n"
