"""Reasons why a file can't be used."""

from bot.errors import KeepsakeError


class MediaError(KeepsakeError):
    """A file can't be used; the text says why, for the log."""


class TooLargeError(MediaError):
    """The file is too large or too long."""


class UnreadableError(MediaError):
    """The file is damaged, locked, or not what it claims to be."""


class EmptyError(MediaError):
    """The file contains nothing readable."""


class BlankError(EmptyError):
    """The file is empty."""


class SwollenError(TooLargeError):
    """The file is small but expands to too much."""


class TooLongError(TooLargeError):
    """The recording is too long."""


class TooSlowError(MediaError):
    """Reading the file takes too long."""


class LockedError(UnreadableError):
    """The file has a password."""


class NotSupportedError(MediaError):
    """Files of this kind aren't supported."""


class OldOfficeError(NotSupportedError):
    """The file's program can also save it in a supported format."""


class SilentError(NotSupportedError):
    """The video has no sound."""
