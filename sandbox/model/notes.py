"""Notes on a conversation without a model: what people said of themselves, in their own words.

A model that understands nothing, or next to nothing, can't write them; with these, a compaction can still be watched.
"""

import re
from collections.abc import Iterator

from sandbox.model.request import ChatRequest, RequestMessage

MOST_LINES = 10
MOST_WORDS = 20
_HEADING = re.compile(r"^#+ .+$", re.MULTILINE)
_STAMP = re.compile(r"^\[[^\]]*\d\d:\d\d\] ?")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_OF_THEMSELVES = re.compile(r"\b(?:i|i'm|i've|my|we|our)\b", re.IGNORECASE)


def heading(request: ChatRequest) -> str:
    """The first heading of the form that the request wants filled in; "" if it wants something else."""
    found = _HEADING.search(request.last_words)
    return "" if found is None else found[0]


def notes(request: ChatRequest) -> str:
    """List items: those of earlier notes, and the newest statements; "" if there are none."""
    lines: dict[str, None] = {}
    for message in request.messages[:-1]:
        if message.role == "user":
            lines |= dict.fromkeys(_lines(message))
    return "\n".join(list(lines)[-MOST_LINES:])


def _lines(message: RequestMessage) -> Iterator[str]:
    for line in message.text.splitlines():
        if line.startswith("- "):
            yield line
            continue
        for sentence in _SENTENCE.findall(_STAMP.sub("", line)):
            words = sentence.split()
            if _OF_THEMSELVES.search(sentence) and not sentence.endswith("?") and len(words) <= MOST_WORDS:
                yield f"- “{' '.join(words)}”"
