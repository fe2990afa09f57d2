"""Provisional."""

from bot.errors import KeepsakeError


class MediaError(KeepsakeError):
    """A file can't be used."""


class TooLarge(MediaError):
    """Too large."""


class Unreadable(MediaError):
    """Unreadable."""


class NotSupported(MediaError):
    """Not supported."""
