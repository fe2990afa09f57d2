"""Provisional."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """Provisional."""

    text: str
    pages: int | None
    cut: bool
