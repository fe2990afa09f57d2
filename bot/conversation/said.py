"""What a user said, and how it stands in the transcript.

It is rendered once, when it is stored, in the form in which every later prompt sends it.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

STAMP_AFTER = timedelta(minutes=30)
"""A time is written where this much has passed since the last one, or the day has changed."""
NAME_LENGTH = 32
QUOTE_LENGTH = 300
"""Characters of a replied-to message that are repeated as its quote."""
SPLIT_AT = 4096
"""UTF-16 units at which Telegram's apps cut a long text into several messages."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a user. `speaker` is set where several people talk; `at` is when it was sent."""

    message_id: int
    sender_id: int | None
    text: str
    at: datetime
    speaker: str | None = None
    forwarded_from: str | None = None
    quote: str | None = None
    sender: str | None = None
    """The name of whoever sent it, also where the prompt need not say it."""


def stamp(said: Said, last: float | None, zone: tzinfo) -> str:
    """The local time to write before this message, or nothing when the last stamp (Unix seconds) still serves."""
    at = said.at.astimezone(zone)
    if last is not None:
        before = datetime.fromtimestamp(last, zone)
        if before.date() == at.date() and abs(at - before) < STAMP_AFTER:
            return ""
    return f"[{at:%a %Y-%m-%d %H:%M}] "


def render(said: Said) -> str:
    """The message as the model gets it: who speaks, what it answers or forwards, and the words themselves."""
    lines = []
    if said.quote:
        lines.append("> " + " ".join(said.quote.split())[:QUOTE_LENGTH])
    if said.forwarded_from:
        lines.append(f"[forwarded from {clean_name(said.forwarded_from)}]")
    lines.append(said.text)
    speaker = f"{clean_name(said.speaker)}: " if said.speaker else ""
    return speaker + "\n".join(lines)


def glue(before: Said | None, said: Said) -> str:
    """What joins a message to the one before it: a text that was cut in the middle of a word grows together again."""
    if before is None or before.sender_id != said.sender_id or said.forwarded_from:
        return "\n\n"
    return "" if utf16_length(before.text) == SPLIT_AT else "\n"


def clean_name(name: str) -> str:
    """A display name as data: one line, bounded, without the characters that give our lines their form."""
    visible = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in name)
    words = re.sub(r"[:\[\]<>]", " ", visible).split()
    return " ".join(words)[:NAME_LENGTH].strip() or "Someone"


def utf16_length(text: str) -> int:
    """Length in UTF-16 units, which is what Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
