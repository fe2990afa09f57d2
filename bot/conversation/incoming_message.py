"""What a user said, and how it stands in the transcript.

It is rendered once, when it is stored, in the form in which every later prompt sends it. In a group each message begins
with the name of its speaker, and all its further lines are indented: a line that is not is ours, so that no name and no
words can pass for another speaker's.

How the data of the buttons under answers begins; an id follows, so that a press long after finds nothing to do.
"""

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from bot.conversation.spoofing import UNSEEN, is_framing, names_somebody, skeleton, typed
from storage.records import NewMedium

STAMP_AFTER = timedelta(minutes=30)
"""A time is written where this much has passed since the last one, or the day has changed."""
NAME_LENGTH = 32
QUOTE_LENGTH = 300
"""Characters of a replied-to message that are repeated as its quote, where the prompt has it anyway."""
WHOLE_QUOTE_LENGTH = 4096
"""... and where it has not: as much as a message can hold."""
ROLES = frozenset({"system", "assistant", "user", "tool", "developer", "you", "ai", "bot", "model"})
PERSON = " (a person)"
SPLIT_AT = 4096
"""UTF-16 units at which Telegram's apps cut a long text into several messages."""
RETRY = "retry:"
"""Under a failed answer; the newest message of the question follows."""
CONTINUE = "continue:"
"""Under an answer that was cut; the answer follows."""
AGAIN = "again:"
"""Under what says that something was set aside; its kind and its id follow."""
UNDO_RESET = "undo-reset:"
"""Under what says that a conversation was reset; the reset's id follows."""
STOP = "stop:"
"""Under an answer that is being written, in a group; the answer follows."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a message answers, or a part of it, with what was typed marked; `author` None: the bot itself."""

    text: str
    author: str | None = None
    message_id: int | None = None
    whole: bool = True
    author_id: int | None = field(default=None, compare=False)
    """Who wrote it, where that is somebody of this chat."""
    attached: str = ""
    """The words of a document or a recording in it, which are theirs and not the asker's."""
    media: tuple[NewMedium, ...] = ()
    """Pictures and sounds in it that the prompt has not got."""
    remarks: tuple[str, ...] = ()
    """What of its file could not be read, in words of ours."""


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """One message of a user. `speaker` is set where several people talk; `at` is when it was sent."""

    message_id: int | None
    """None: a button was pressed that says so."""
    sender_id: int | None
    text: str
    at: datetime
    speaker: str | None = None
    forwarded_from: str | None = None
    quote: Quote | None = None
    sender: str | None = None
    """The name of whoever sent it, also where the prompt need not say it."""
    notes: tuple[str, ...] = ()
    """What else is in it, in words of ours: [photo]."""
    remarks: tuple[str, ...] = ()
    """What of its file could not be read, or only in part, in words of ours."""
    media: tuple[NewMedium, ...] = ()
    from_bot: bool = False
    digest: str | None = field(default=None, compare=False)
    """What it says and holds, in short, to know it again."""


def stamp(said: IncomingMessage, last: float | None, zone: tzinfo) -> str:
    """The local time to write before this message, or nothing when the last stamp (Unix seconds) still serves."""
    at = said.at.astimezone(zone)
    if last is not None:
        before = datetime.fromtimestamp(last, zone)
        if before.date() == at.date() and abs(at - before) < STAMP_AFTER:
            return ""
    return f"[{at:%a %Y-%m-%d %H:%M}] "


def render(said: IncomingMessage) -> str:
    """The message as the model gets it: what it answers or forwards, who speaks, and the words themselves."""
    lines = [f"[forwarded from {clean_name(said.forwarded_from)}]"] if said.forwarded_from else []
    words = typed(said.text.strip("\n"), quotes=not said.speaker)
    body = "\n".join(filter(None, (*lines, *said.notes, *said.remarks, words)))
    own = f"{said.speaker}: {indented(body)}" if said.speaker else body
    return "\n".join([*_quote_lines(said.quote), own])


def continued(said: IncomingMessage) -> str:
    """The message as the rest of the one before it, which Telegram's apps cut in two."""
    words = typed(said.text, quotes=not said.speaker)
    return indented(words) if said.speaker else words


def indented(text: str) -> str:
    """A text whose further lines can't pass for lines of ours, whatever breaks them."""
    return "\n  ".join(text.splitlines())


def _quote_lines(quote: Quote | None) -> Iterable[str]:
    text = "\n".join((quote.text, *quote.remarks, typed(quote.attached, quotes=False))) if quote else ""
    if quote is None or not text.strip():
        return
    author = f"{clean_name(quote.author)}: " if quote.author else ""
    first, *others = [line.strip() for line in text.splitlines() if line.strip()]
    if not author and names_somebody(first):  # words of the bot itself, which it may have been asked to say
        first = f"\\{first}"
    yield f"> {author}{first}"
    yield from (f">   {line}" for line in others)  # so that no line of it passes for another author's


def separator(before: IncomingMessage | None, said: IncomingMessage) -> str:
    """What joins a message to the one before it: a text that was cut in the middle of a word grows together again."""
    if before is None or before.sender_id != said.sender_id or said.forwarded_from or before.forwarded_from:
        return "\n\n"
    return "" if utf16_length(before.text) == SPLIT_AT and not _is_ours_joined(before.text, said) else "\n"


def _is_ours_joined(before: str, said: IncomingMessage) -> bool:
    """Whether a line that was cut in two would be like one of ours, as neither half of it is."""
    at = len(f"{before}.".splitlines()) - 1
    return any(typed(line, quotes=not said.speaker) != line for line in (before + said.text).splitlines()[at : at + 1])


def clean_name(name: str, reserved: Collection[str] = ()) -> str:
    """A display name as data: one line, bounded, without the characters that give our lines their form.

    A name that is or begins like one that means somebody else in a conversation with a model (its roles, and
    `reserved`: the bot's own names) is marked as a person's.
    """
    plain = UNSEEN.sub("", unicodedata.normalize("NFKC", name))
    bare = "".join(" " if unicodedata.category(char)[0] in "CZ" or is_framing(char) else char for char in plain)
    words = bare.split()
    whole = " ".join(words)
    clean = whole.removesuffix(PERSON)[:NAME_LENGTH].strip() or "Someone"
    taken, looks = {*ROLES, *map(skeleton, reserved)}, skeleton(clean)
    marked = whole.endswith(PERSON) or taken & {looks, looks.partition(" ")[0]}
    return f"{clean}{PERSON}" if marked else clean


def utf16_length(text: str) -> int:
    """Length in UTF-16 units, which is what Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
