"""Quotes of a member's message in other people's messages of a group.

If the member has the message forgotten, the quotes go too; what the others wrote themselves stays. A quote is
recognized by its author's name and its words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.conversation.incoming_message import QUOTE_LENGTH
from bot.conversation.query import strip_framing, timestamp_of

_FIRST, _FURTHER = "> ", ">   "
"""How lines of quotes begin. In a group, all other lines that begin so are indented."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """Messages, and the turns that quote them."""

    said: tuple[str, ...] = ()
    turn_ids: tuple[int, ...] = ()


def said_in(content: str) -> str:
    """A group's turn as a quote of it begins: the speaker and the words, on one line."""
    return " ".join(strip_framing(content).split())


def without_quotes(content: str, said: Sequence[str]) -> str:
    """The turn without quotes of these messages; unchanged if there are none."""
    stamp = timestamp_of(content)
    blocks = _blocks(content[len(stamp) :].split("\n"))
    kept = [line for lines in blocks if not _quotes(lines, said) for line in lines]
    return stamp + "\n".join(kept)


def _blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """Each quote with all of its lines, and each other line alone."""
    block: list[str] = []
    for line in lines:
        if block and not (line.startswith(_FURTHER) and block[0].startswith(_FIRST)):
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _quotes(lines: Sequence[str], said: Sequence[str]) -> bool:
    if not lines[0].startswith(_FIRST):
        return False
    author, _, words = " ".join(" ".join(line[len(_FIRST) :] for line in lines).split()).partition(": ")
    part = words.rstrip("… ")
    return any(
        part in whole or words.startswith(whole[:QUOTE_LENGTH])
        for name, _, whole in (one.partition(": ") for one in said)
        if name == author and whole and part
    )
