"""Provisional."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sound:
    """Provisional."""

    data: bytes
    format: str
    seconds: float
