"""What the model server says when nobody scripted it: that it is no model, and what it was given."""

import re
from pathlib import Path

from sandbox.model.behaviour import Say
from sandbox.model.request import ChatRequest

QUOTED_WORDS = 12
_HEADING = re.compile(r"^#+ .+$", re.MULTILINE)
LONG_ANSWER = Path(__file__).with_name("long_answer.md")


def answer(request: ChatRequest, delay: float, chunk: int = 1) -> Say:
    """A plain sentence; a long text where the user says "long" or "markdown"; a list line where there is a form."""
    count = len(request.messages)
    opening = (
        "I am a stand-in for a model, with no understanding. "
        f"I was given {count} message{'s' if count > 1 else ''}; your last words were: {_tail(request.last_words)}"
    )
    if (heading := _HEADING.search(request.last_words)) is not None:  # a form to fill in, such as that of notes
        return Say(f"{heading[0]}\n- {opening}", delay=delay, chunk=chunk)
    if re.search(r"\b(long|markdown)\b", request.last_words, re.IGNORECASE):
        opening += "\n\n" + LONG_ANSWER.read_text(encoding="utf-8")
    return Say(opening, delay=delay, chunk=chunk)


def _tail(text: str) -> str:
    words = text.split()
    return ("... " if len(words) > QUOTED_WORDS else "") + " ".join(words[-QUOTED_WORDS:])
