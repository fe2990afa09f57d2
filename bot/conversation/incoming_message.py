"""Incoming messages and their rendering in the transcript.

A message is rendered once, when it is stored, in the form that all later prompts send. In groups each message begins
with its speaker's name, and its other lines are indented; an unindented line is always the bot's own framing, so no
name and no text can pass for another speaker's.

The prefixes of callback data for buttons below answers are here too. Each is followed by an id, so that an outdated
button has no effect.
"""

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from bot.conversation.spoofing import UNSEEN, escape_framing, is_framing, names_somebody, skeleton
from storage.records import NewMedium

STAMP_AFTER = timedelta(minutes=30)
"""A timestamp is written if this much has passed since the last one, or the day has changed."""
NAME_LENGTH = 32
QUOTE_LENGTH = 300
"""How much of a replied-to message is quoted if the prompt contains it anyway, in characters."""
WHOLE_QUOTE_LENGTH = 4096
"""How much is quoted if it doesn't: as much as a message can hold."""
ROLES = frozenset({"system", "assistant", "user", "tool", "developer", "you", "ai", "bot", "model"})
PERSON = " (a person)"
FORWARD_END = "[end of what was forwarded]"
FILE_START, FILE_END = "[text of the file]", "[end of the file]"
"""Lines around other people's words, where nothing else shows where they end. Typed ones are escaped."""
SPLIT_AT = 4096
"""UTF-16 units at which Telegram's apps split a long text into several messages."""
RETRY = "retry:"
"""Below a failed answer; followed by the id of the question's newest message."""
CONTINUE = "continue:"
"""Below a truncated answer; followed by the answer's id."""
AGAIN = "again:"
"""Below a notice that an update was set aside; followed by its kind and id."""
UNDO_RESET = "undo-reset:"
"""Below the notice of a reset; followed by the reset's id."""
STOP = "stop:"
"""Below an answer in progress, in a group; followed by the answer's id."""


@dataclass(frozen=True, slots=True)
class Quote:
    """The replied-to message or a part of it, with typed framing escaped; `author` None: the bot itself."""

    text: str
    author: str | None = None
    message_id: int | None = None
    whole: bool = True
    author_id: int | None = field(default=None, compare=False)
    """The author's id, if they belong to this chat."""
    attached: str = ""
    """The text of an attached document or recording, which is the author's and not the asker's."""
    media: tuple[NewMedium, ...] = ()
    """Pictures and sounds that the prompt doesn't contain."""
    remarks: tuple[str, ...] = ()
    """The bot's notes on what couldn't be read."""


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """One message of a user. `speaker` is set in groups; `at` is when it was sent."""

    message_id: int | None
    """None if a button was pressed instead."""
    sender_id: int | None
    text: str
    at: datetime
    speaker: str | None = None
    forwarded_from: str | None = None
    quote: Quote | None = None
    sender: str | None = None
    """The sender's name, even where the prompt doesn't show it."""
    attached: str = ""
    """The text of a document or a recording, which may not be the sender's."""
    notes: tuple[str, ...] = ()
    """The bot's notes on what else the message contains, such as [photo]."""
    remarks: tuple[str, ...] = ()
    """The bot's notes on files that couldn't be read, or only in part."""
    media: tuple[NewMedium, ...] = ()
    from_bot: bool = False
    digest: str | None = field(default=None, compare=False)
    """A digest of text and content, to recognize the message."""


def timestamp(message: IncomingMessage, last: float | None, zone: tzinfo) -> str:
    """The timestamp to write before this message, or "" if the last one (Unix seconds) is recent enough."""
    at = message.at.astimezone(zone)
    if last is not None:
        before = datetime.fromtimestamp(last, zone)
        if before.date() == at.date() and abs(at - before) < STAMP_AFTER:
            return ""
    return f"[{at:%a %Y-%m-%d %H:%M}] "


def render(message: IncomingMessage) -> str:
    """The message as the model sees it: quote or forward, speaker, text."""
    lines = [f"[forwarded from {clean_name(message.forwarded_from)}]"] if message.forwarded_from else []
    words = [escape_framing(message.text.strip("\n"), quotes=not message.speaker), *_framed_file(message)]
    if lines and any(words) and not message.speaker:  # in groups, the indentation shows where it ends
        words.append(FORWARD_END)
    body = "\n".join(filter(None, (*lines, *message.notes, *message.remarks, *words)))
    own = f"{message.speaker}: {indent(body)}" if message.speaker else body
    return "\n".join([*_quote_lines(message.quote), own])


def render_continuation(message: IncomingMessage) -> str:
    """The message as the continuation of the previous one, which Telegram's apps split."""
    words = "\n".join((escape_framing(message.text, quotes=not message.speaker), *_framed_file(message)))
    return indent(words) if message.speaker else words


def _framed_file(message: IncomingMessage) -> Iterable[str]:
    """The text of a file between lines that no text can contain."""
    if message.attached.strip():
        yield from (FILE_START, escape_framing(message.attached.strip("\n"), quotes=not message.speaker), FILE_END)


def indent(text: str) -> str:
    """The text with all further lines indented (at any line break that Unicode knows)."""
    return "\n  ".join(text.splitlines())


def _quote_lines(quote: Quote | None) -> Iterable[str]:
    text = "\n".join((quote.text, *quote.remarks, escape_framing(quote.attached, quotes=False))) if quote else ""
    if quote is None or not text.strip():
        return
    author = f"{clean_name(quote.author)}: " if quote.author else ""
    first, *others = [line.strip() for line in text.splitlines() if line.strip()]
    if not author and names_somebody(first):  # someone may have asked the bot to say this
        first = f"\\{first}"
    yield f"> {author}{first}"
    yield from (f">   {line}" for line in others)  # so that no line passes for another author's


def separator(before: IncomingMessage | None, message: IncomingMessage) -> str:
    """The text between two messages; nothing if Telegram split the text in mid-word."""
    if before is None or before.sender_id != message.sender_id or message.forwarded_from or before.forwarded_from:
        return "\n\n"
    return "" if utf16_length(before.text) == SPLIT_AT and not _is_ours_joined(before.text, message) else "\n"


def _is_ours_joined(before: str, message: IncomingMessage) -> bool:
    """Whether a split line, once joined, would look like the bot's framing although neither half does."""
    last_line = len(f"{before}.".splitlines()) - 1
    return any(
        escape_framing(line, quotes=not message.speaker) != line
        for line in (before + message.text).splitlines()[last_line : last_line + 1]
    )


def clean_name(name: str, reserved: Collection[str] = ()) -> str:
    """A display name as data: one line, limited length, without characters used for framing.

    A name that equals or begins with a role name or one of `reserved` (the bot's own names) is marked as a person's.
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
    """The length in UTF-16 code units, as Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
