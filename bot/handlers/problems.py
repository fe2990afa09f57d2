"""What could not be read, as a sentence for the user."""

from collections.abc import Iterator

from bot.inbound.attachments import MOST_SECONDS
from bot.inbound.downloads import MOST_BYTES
from bot.inbound.pages import ranges
from bot.inbound.problems import Problem
from bot.inbound.reading import Read
from bot.language import plural, texts


def problems_of(read: Read) -> Iterator[str]:
    """What the user is told about a message that could not be read, or only in part."""
    if read.problem is not None:
        yield problem_text(read.problem)
    if read.unread:
        yield texts.FILE_PAGES_UNREAD.format(pages=ranges(read.unread))


def problem_text(problem: Problem) -> str:
    """The sentence for a problem."""
    return {
        Problem.TOO_BIG: texts.FILE_TOO_BIG.format(megabytes=MOST_BYTES // 1024 // 1024),
        Problem.TOO_LONG: plural(int(MOST_SECONDS // 60), texts.SOUND_TOO_LONG),
        Problem.SWOLLEN: texts.FILE_SWOLLEN,
        Problem.TOO_SLOW: texts.FILE_TOO_SLOW,
        Problem.LOCKED: texts.FILE_LOCKED,
        Problem.UNREADABLE: texts.FILE_UNREADABLE,
        Problem.EMPTY: texts.FILE_EMPTY,
        Problem.UNSUPPORTED: texts.FILE_UNSUPPORTED,
        Problem.OLD_OFFICE: texts.FILE_OLD_OFFICE,
        Problem.UNREACHABLE: texts.FILE_UNREACHABLE,
        Problem.LATE: texts.FILE_LATE,
        Problem.CUT: texts.FILE_CUT,
        Problem.BLANK: texts.FILE_BLANK,
        Problem.DAMAGED: texts.PICTURE_DAMAGED,
        Problem.DAMAGED_IN_PART: texts.FILE_DAMAGED,
        Problem.PREVIEW: texts.PICTURE_PREVIEW,
        Problem.HEARD_IN_PART: texts.SOUND_IN_PART,
        Problem.UNHEARD: texts.FILM_UNHEARD,
        Problem.TOO_MUCH: texts.FILES_TOO_MANY,
    }[problem]
