"""Letters that were saved as files: who wrote what to whom, in words, and what was attached."""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from bot.media.books import html

HEADERS = ("From", "To", "Cc", "Date", "Subject")
MOST_ATTACHED = 100
LONGEST_HEADER = 5_000
"""Characters; the time to read one grows faster than it does."""
_LETTER = re.compile(rb"\A(?:[A-Za-z][A-Za-z0-9-]{0,60}:[^\n]{0,2000}\n(?:[ \t][^\n]{0,2000}\n){0,50}){3,200}\r?\n")
_WRITTEN, _ENCODED = (
    re.compile(rb"^(?:from|date):", re.IGNORECASE | re.MULTILINE),
    re.compile(rb"^(?:mime-version|content-transfer-encoding|received):", re.IGNORECASE | re.MULTILINE),
)


def is_letter(data: bytes) -> bool:
    """Whether it begins with the headers of a letter."""
    head = _LETTER.match(data[:100_000])
    return head is not None and bool(_WRITTEN.search(head[0]) and _ENCODED.search(head[0]))


def letter(data: bytes) -> str:
    """Its words."""
    read = message_from_bytes(data, policy=default)
    assert isinstance(read, EmailMessage)
    lengths = {name.lower(): len(str(value)) for name, value in read.raw_items()}
    short = [name for name in HEADERS if 0 < lengths.get(name.lower(), 0) <= LONGEST_HEADER]
    lines = [f"{name}: {' '.join(str(read[name]).split())}" for name in short]
    body = read.get_body(("plain", "html"))
    if body is not None:
        words = str(body.get_content())
        lines += ["", html(words) if body.get_content_subtype() == "html" else words.strip()]
    names = [one.get_filename() or one.get_content_type() for one in read.iter_attachments()][:MOST_ATTACHED]
    return "\n".join([*lines, *([f"[attached files, not read here: {', '.join(names)}]"] if names else [])])
