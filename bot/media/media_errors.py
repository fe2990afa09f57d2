"""Why a file can't be used."""

from bot.errors import KeepsakeError


class MediaError(KeepsakeError):
    """A file can't be used; the text says why, for the log."""


class TooLargeError(MediaError):
    """It is larger or longer than it may be."""


class UnreadableError(MediaError):
    """It is damaged, locked, or not what it says it is."""


class EmptyError(MediaError):
    """There is nothing to read in it."""


class BlankError(EmptyError):
    """There is nothing in it at all."""


class SwollenError(TooLargeError):
    """It is small, and what is in it is not."""


class TooLongError(TooLargeError):
    """It goes on for longer than it may."""


class TooSlowError(MediaError):
    """It takes more time to read than it may."""


class LockedError(UnreadableError):
    """It has a password."""


class NotSupportedError(MediaError):
    """Files of its kind are not read."""


class OldOfficeError(NotSupportedError):
    """It is of an office program that can save it in a form that is read."""


class SilentError(NotSupportedError):
    """A film without sound."""
