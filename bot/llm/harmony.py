"""Parser for Harmony channels, the raw output format of gpt-oss and similar models, where a server passes it on.

 <|channel|>analysis<|message|>Who is it?<|end|><|start|>assistant<|channel|>final<|message|>Hello Ann<|return|>

The final channel is the answer, everything else is reasoning. Some servers drop the markers and leave the names
("analysisWho is it?assistantfinalHello Ann"). An answer that doesn't start with a marker goes to ``ThinkingTags``,
except for a closing marker at its end. Markers that an answer merely talks about are kept: they are inside code or
quotes, or no other marker follows.
"""

import re
from typing import TYPE_CHECKING

from bot.llm.thinking import FENCE, QUOTES, ThinkingSplit, ThinkingTags

if TYPE_CHECKING:
    from collections.abc import Callable

_SIGNS = ("<|start|>assistant", "<|channel|>", "<|message|>")
_HEADER = re.compile(
    r"\s*+(?:<\|start\|>\s*+\w*(?:\s*+to=[\w.]+)?\s*+)?(?:<\|channel\|>\s*(?P<channel>\w*)[^<]{0,100})?"
    r"(?:<\|constrain\|>[^<]{0,40})?<\|message\|>"
)
_LONGEST_HEADER = 300
_END = re.compile(r"<\|(?:end|return|call)\|>")
_NEXT = re.compile(r"<\|start\|>\s*assistant|<\|channel\|>\s*(?:analysis|commentary|final)\b")
_SIGN = re.compile(f"{_END.pattern}|{_NEXT.pattern}")
_BEGUN = re.compile(r"<(?:\|(?:[a-z]{0,8}(?:\|(?:>\s*[a-z]{0,10})?)?)?)?\Z")
"""A possible beginning of a marker."""
_END_NAMES = ("end", "return", "call", "im_end", "eot_id", "eom_id", "endoftext", "end_of_text")
_ENDS = rf"<\|(?:{'|'.join(_END_NAMES)})\|>"
"""Closing markers, including those of other models that some servers pass on."""
_NOT_BEHIND_ONE = "".join(rf"(?<!<\|{name}\|>)" for name in _END_NAMES)
_LAST = re.compile(rf"(?<=[^\s`\"'\u201c\u2018(]){_NOT_BEHIND_ONE}(?:{_ENDS}\s*)+\Z")
_MAYBE_LAST = re.compile(rf"(?:{_ENDS}\s{{0,9}}){{0,3}}(?:<(?:\|(?:[a-z_]{{0,11}}\|?)?)?)?\Z")
_BARE = re.compile(r"(?:assistant)?(?:analysis|commentary)(?=[A-Z\"(\u4e00-\u9fff])")
_BARE_WORDS = ("analysis", "commentary", "assistantanalysis", "assistantcommentary")
_BARE_FINAL = re.compile(r"assistantfinal(?!ly|i[sz])|assistant\sfinal(?![a-z])")
_LONGEST_BARE = len("assistant finally")
LONGEST_BLANK = 100
"""The longest whitespace between two markers."""
MOST_MESSAGES = 64
"""Per answer; later markers are not parsed."""
MOST_TRIES = 16
"""How many markers are examined in an answer that talks about them."""


class Harmony:
    """Splits one answer into text and reasoning."""

    def __init__(self) -> None:
        self._thinking = ThinkingTags()
        self._held = ""
        self._read: Callable[..., ThinkingSplit | None] = self._head
        self._said: list[str] = []
        """The pieces of the current message."""
        self._tail = ""
        """A possible closing marker at the end of an answer without channels."""
        self._before = ""
        """The last character before it."""
        self._final = True
        self._bare: list[str] = []
        self._tries = self._messages = 0

    def apart(self) -> None:
        """Reasoning arrives separately: don't look for think tags."""
        self._thinking.apart()

    def split(self, piece: str) -> ThinkingSplit:
        """The text and reasoning in a piece; anything undecided comes with the next one."""
        self._held += piece
        return self._all(last=False)

    def rest(self, *, whole: bool = False) -> ThinkingSplit:
        """What was held back, at the end; `whole` as in ThinkingTags.rest."""
        if self._read == self._in_bare and whole and not _BARE_FINAL.search(self._held):
            return ThinkingSplit(
                "".join(self._bare) + self._held
            )  # it never reached an answer, so these were its words
        more = self._all(last=True)
        if self._read != self._plain:
            return more
        rest = self._thinking.rest(whole=whole)
        if rest.taken_back:
            return ThinkingSplit(_LAST.sub("", rest.text), more.text + more.reasoning + rest.reasoning, taken_back=True)
        before, text = "" if more.taken_back else self._before, more.text + rest.text
        return ThinkingSplit(
            _LAST.sub("", before + text)[len(before) :], more.reasoning + rest.reasoning, more.taken_back
        )

    def _all(self, *, last: bool) -> ThinkingSplit:
        """Run the current reader until it needs more input (None)."""
        text, thought, taken_back = [], [], False
        while (part := self._read(last=last)) is not None:
            text.append(part.text)
            thought.append(part.reasoning)
            taken_back = taken_back or part.taken_back
        return ThinkingSplit("".join(text), "".join(thought), taken_back)

    def _head(self, *, last: bool) -> ThinkingSplit | None:
        begun = self._held.lstrip()
        if begun.startswith(_SIGNS):
            self._held, self._read = begun, self._in_header
        elif bare := _BARE.match(begun):
            self._bare.append(bare[0])
            self._held, self._read = begun[bare.end() :], self._in_bare
        elif not begun and not last:
            self._held = self._held[-LONGEST_BLANK:]
            return None
        elif not last and any(sign.startswith(begun) for sign in (*_SIGNS, *_BARE_WORDS)):
            return None
        else:
            self._read = self._plain
        return ThinkingSplit()

    def _plain(self, *, last: bool) -> ThinkingSplit | None:
        """Text without channels, apart from a closing marker at its end."""
        if not self._held and not (last and self._tail):
            return None
        held, self._held = self._held, ""
        split = self._thinking.split(held) if held else ThinkingSplit()
        if split.taken_back:
            text, thought = split.text, self._tail + split.reasoning
        else:
            text, thought = self._tail + split.text, split.reasoning
        if last:
            self._tail = ""
            return ThinkingSplit(text, thought, split.taken_back)
        tail = _MAYBE_LAST.search(text)
        self._tail = tail[0] if tail else ""
        said = text[: len(text) - len(self._tail)]
        self._before = said[-1:] or ("" if split.taken_back else self._before)
        return ThinkingSplit(said, thought, split.taken_back)

    def _in_header(self, *, last: bool) -> ThinkingSplit | None:
        header = _HEADER.match(self._held)
        if header is None and not last and len(self._held) < _LONGEST_HEADER:
            return None
        if header is not None:
            self._held = self._held[header.end() :]
            self._final = (header["channel"] or "final").lower() not in _BARE_WORDS
        self._begin_message()
        return ThinkingSplit()

    def _begin_message(self) -> None:
        self._said, self._tries, self._read = [], 0, self._in_message
        self._messages += 1

    def _in_message(self, *, last: bool) -> ThinkingSplit | None:
        if not self._held:
            return None
        at, begun = 0, None
        while self._tries < MOST_TRIES and self._messages < MOST_MESSAGES:
            if (sign := _SIGN.search(self._held, at)) is None:
                begun = None if last else _BEGUN.search(self._held, at)
                break
            after = self._held[sign.end() :]
            is_end = _END.match(sign[0]) is not None
            if is_end and not last and _may_begin_with_sign(after):
                begun = sign
                break
            if not is_end and not last and len(after) < LONGEST_BLANK and not _HEADER.match(sign[0] + after):
                begun = sign
                break
            if self._is_marker(sign, after, is_end=is_end):
                part = self._emit(sign.start())
                self._go_on(after.lstrip() if is_end else sign[0] + after)
                return part
            self._tries += 1
            at = sign.end()
        end = begun.start() if begun else len(self._held)
        return self._emit(end) if end else None

    def _go_on(self, held: str) -> None:
        """Start the next message; text without a header is the answer."""
        self._held = held
        if held.startswith(_SIGNS):
            self._read = self._in_header
        else:
            self._final = True
            self._begin_message()

    def _is_marker(self, sign: re.Match[str], after: str, *, is_end: bool) -> bool:
        """Whether this is a real marker rather than one that is quoted."""
        self._said = ["".join(self._said)]
        said = self._said[0] + self._held[: sign.start()]
        quotes = (*QUOTES,)
        line = said[said.rfind("\n") + 1 :]
        if len(FENCE.findall(said)) % 2 or line.count("`") % 2 or (line[-1:] in quotes and after[:1] in quotes):
            return False
        if not is_end:
            return _HEADER.match(sign[0] + after) is not None
        return not self._final or not after.strip() or after.lstrip().startswith(_SIGNS)

    def _emit(self, end: int) -> ThinkingSplit:
        piece, self._held = self._held[:end], self._held[end:]
        self._said.append(piece)
        return ThinkingSplit(piece) if self._final else ThinkingSplit(reasoning=piece)

    def _in_bare(self, *, last: bool) -> ThinkingSplit | None:
        found = _BARE_FINAL.search(self._held)
        if found and (last or found.end() + 1 < len(self._held)):
            thought = self._held[: found.start()]
            self._held, self._read = self._held[found.end() :], self._after_bare
            self._thinking.apart()
            return ThinkingSplit(reasoning=thought)
        cut = len(self._held) if last else max(len(self._held) - _LONGEST_BARE, 0)
        piece, self._held = self._held[:cut], self._held[cut:]
        self._bare.append(piece)
        return ThinkingSplit(reasoning=piece) if piece else None

    def _after_bare(self, **_: bool) -> ThinkingSplit | None:
        self._held = self._held.lstrip()
        if not self._held:
            return None
        self._read = self._plain
        return ThinkingSplit()


def _may_begin_with_sign(after: str) -> bool:
    """Whether the text after an end marker could still become a marker."""
    begun = after[:LONGEST_BLANK].lstrip()
    return len(after) < LONGEST_BLANK and any(sign.startswith(begun) for sign in _SIGNS)
