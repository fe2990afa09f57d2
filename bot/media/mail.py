"""Saved e-mails: sender, recipients, text, and the names of attachments."""

import re
from contextlib import suppress
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import default

from bot.media.markup import html
from bot.media.text import decode_text

HEADERS = ("From", "To", "Cc", "Date", "Subject")
MOST_ATTACHED = 100
LONGEST_HEADER = 5_000
"""In characters; parsing time grows faster than the length."""
_LETTER = re.compile(rb"\A(?:[A-Za-z][A-Za-z0-9-]{0,60}:[^\n]{0,2000}\n(?:[ \t][^\n]{0,2000}\n){0,50}){3,200}\r?\n")
_WRITTEN, _ENCODED = (
    re.compile(rb"^(?:from|date):", re.IGNORECASE | re.MULTILINE),
    re.compile(rb"^(?:mime-version|content-transfer-encoding|received):", re.IGNORECASE | re.MULTILINE),
)


def is_email(data: bytes) -> bool:
    """Whether the file begins with e-mail headers."""
    head = _LETTER.match(data[:100_000])
    return head is not None and bool(_WRITTEN.search(head[0]) and _ENCODED.search(head[0]))


def read_email(data: bytes, language: str | None) -> str:
    """The text of an e-mail; `language` (IETF) is that of the user who sent the file."""
    read = message_from_bytes(data, policy=default)
    assert isinstance(read, EmailMessage)
    lines = [f"{name}: {said}" for name in HEADERS if (said := _header(read, name))]
    body = read.get_body(("plain", "html"))
    if body is not None:
        words = _words(body, language)
        lines += ["", html(words) if body.get_content_subtype() == "html" else words.strip()]
    names = [part.get_filename() or part.get_content_type() for part in read.iter_attachments()][:MOST_ATTACHED]
    return "\n".join([*lines, *([f"[attached files, not read here: {', '.join(names)}]"] if names else [])])


def _header(read: EmailMessage, name: str) -> str:
    """A header's value; a damaged one raw, one that is too long not at all."""
    raw = next((str(value) for key, value in read.raw_items() if key.lower() == name.lower()), "")
    if not 0 < len(raw) <= LONGEST_HEADER:
        return ""
    with suppress(LookupError, ValueError, TypeError, AttributeError):  # Python's parser fails on some
        return " ".join(str(read[name]).split())
    return " ".join(raw.split())


def _words(body: MIMEPart, language: str | None) -> str:
    try:
        return str(body.get_content())
    except LookupError:  # an unknown encoding
        data = body.get_payload(decode=True)
        return decode_text(data, language).words if isinstance(data, bytes) else ""
