"""Why something in a message could not be read, or only in part."""

from enum import Enum, auto

from telegram.error import BadRequest, TelegramError, TimedOut

from bot.media.media_errors import (
    BlankError,
    EmptyError,
    LockedError,
    MediaError,
    NotSupportedError,
    OldOfficeError,
    SwollenError,
    TooLargeError,
    TooLongError,
    TooSlowError,
)


class Problem(Enum):
    """Why something could not be read, or only in part."""

    TOO_BIG = auto()
    SWOLLEN = auto()
    TOO_LONG = auto()
    TOO_SLOW = auto()
    LOCKED = auto()
    UNREADABLE = auto()
    EMPTY = auto()
    BLANK = auto()
    UNSUPPORTED = auto()
    OLD_OFFICE = auto()
    UNREACHABLE = auto()
    LATE = auto()
    CUT = auto()
    DAMAGED = auto()
    PREVIEW = auto()
    DAMAGED_IN_PART = auto()
    HEARD_IN_PART = auto()
    UNHEARD = auto()
    TOO_MUCH = auto()


PARTLY = frozenset(
    {
        *(Problem.CUT, Problem.DAMAGED, Problem.PREVIEW),
        *(Problem.DAMAGED_IN_PART, Problem.HEARD_IN_PART, Problem.UNHEARD),
    }
)
"""Problems with only a part of a file: the rest of it is available."""

_PROBLEMS: tuple[tuple[type[Exception], Problem], ...] = (
    (TooLongError, Problem.TOO_LONG),
    (SwollenError, Problem.SWOLLEN),
    (TooLargeError, Problem.TOO_BIG),
    (TooSlowError, Problem.TOO_SLOW),
    (LockedError, Problem.LOCKED),
    (OldOfficeError, Problem.OLD_OFFICE),
    (NotSupportedError, Problem.UNSUPPORTED),
    (BlankError, Problem.BLANK),
    (EmptyError, Problem.EMPTY),
    (MediaError, Problem.UNREADABLE),
    (TimedOut, Problem.LATE),
    (TelegramError, Problem.UNREACHABLE),
)


def problem_of(exc: MediaError | TelegramError) -> Problem:
    """The problem for an exception."""
    if isinstance(exc, BadRequest) and "too big" in str(exc).lower():
        return Problem.TOO_BIG
    return next(problem for kind, problem in _PROBLEMS if isinstance(exc, kind))
