"""What could not be read, or only in part, for the model: else it is asked about a file it knows by name only."""

from collections.abc import Iterable, Sequence

from telegram import Message

from bot.inbound.attachments import MOST_SECONDS, Attached
from bot.inbound.pages import ranges
from bot.inbound.plain import clean, named
from bot.inbound.problems import Problem
from bot.media.document import Document

REASONS = {
    Problem.TOO_BIG: "it is too big",
    Problem.SWOLLEN: "what is in it is too much",
    Problem.TOO_LONG: f"it is longer than {MOST_SECONDS / 60:.0f} minutes",
    Problem.TOO_SLOW: "reading it took too long",
    Problem.LOCKED: "it has a password",
    Problem.UNREADABLE: "it seems to be damaged",
    Problem.BLANK: "there is no text in it, it is empty",
    Problem.EMPTY: "there is no text in it, perhaps only pictures of pages",
    Problem.UNSUPPORTED: "this kind of file can't be read",
    Problem.OLD_OFFICE: "such office files (.doc, .ppt, .pages) can't be read; saved as .docx, .pptx or PDF they can",
    Problem.UNREACHABLE: "Telegram did not give it out",
    Problem.LATE: "Telegram did not give it out in time",
    Problem.TOO_MUCH: "there were too many files at once",
}


def remarks(message: Message, found: Attached) -> tuple[str, ...]:
    """What is wrong with what is in a message, each in its brackets."""
    name = _name(message)
    said = (
        f"not readable: {REASONS[found.problem]}" if found.problem in REASONS else "",
        _part(found.share, found.document) if found.problem is Problem.CUT else "",
        found.lost,
        f"damaged in {clean(found.document.damaged)}, and only the rest of it could be read"
        if found.document and found.document.damaged
        else "",
        *(_pages(found, found.document) if found.document else ()),
        f"encoding guessed: {found.document.encoding}" if found.document and found.document.encoding else "",
    )
    return tuple(f"[{name}: {words}]" for words in said if words)


def _pages(found: Attached, document: Document) -> Iterable[str]:
    """What is said of pages that have no words to read."""
    if found.pages.numbers:
        yield f"{_without(found.pages.numbers, document)}; shown as pictures"
    if found.unread:
        shown = "; not shown" if found.pages.numbers else ""
        yield f"{_without(found.unread, document)}, perhaps pictures of it{shown}"


def _without(numbers: Sequence[int], document: Document) -> str:
    text = "no text" if set(numbers) <= set(document.wordless) else "no text, or little that can be trusted,"
    return f"{text} on {'page' if len(numbers) == 1 else 'pages'} {ranges(numbers)} of {document.pages}"


def _part(share: float, document: Document | None) -> str:
    """Rounded down, so that nothing that is missing passes for whole."""
    pages = document.pages if document else None
    if pages and (whole := int(share * pages)):
        return f"only its beginning is below, {whole} of its {pages} pages"
    percent = int(100 * share)
    return f"only the first {percent} % is below" if percent else "only its very beginning is below"


def _name(message: Message) -> str:
    """What a file is called in a remark, which stands beside its description."""
    if message.document is not None and message.animation is None:
        return f"file{named(message.document.file_name, ' ')}"
    kinds = {
        "video_note": "round video message",
        "animation": "picture of the animation",
        "video": "video",
        "voice": "voice message",
    }
    plain = ("photo", "sticker", "audio")
    found = next((name for field, name in kinds.items() if getattr(message, field)), None)
    return found or next((field for field in plain if getattr(message, field)), "file")
