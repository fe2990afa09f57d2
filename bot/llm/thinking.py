"""Think tags: reasoning inside an answer's text, split off while it streams.

Servers that know their model send reasoning separately, as ``reasoning_content``. Others (llama.cpp, Ollama and vLLM
without a reasoning parser) pass on the tags that Qwen, DeepSeek, Mistral and others were trained to write. If the
server's template already wrote the opening tag, the answer has only a closing one: the text before it was reasoning and
is taken back.

GLM's models put box markers around their answer, which many servers pass on too; `Boxes` removes them.
"""

import re
from dataclasses import dataclass

_NAMES = r"(?:[a-z]{1,10}[:_])?think(?:ing)?|thoughts?|reasoning"
"""Some have a prefix: ``seed:think``, ``longcat_think``, MiniMax's ``mm:think``."""
_PAIRS = (
    (rf"<\s?(?P<name>{_NAMES})\s?>", r"</\s?(?:{name})\s?>"),
    (r"\[(?P<name>think)\]", r"\[/(?:{name})\]"),  # Mistral
    (r"◁(?P<name>think)▷", r"◁/(?:{name})▷"),  # Kimi
    (r"<\|begin_of_(?P<name>thought)\|>", r"<\|end_of_{name}\|>"),
    (r"<\|channel>(?P<name>thought)\s", r"<channel\|>"),  # Gemma 4
)
_OPENINGS = tuple((re.compile(opening, re.IGNORECASE), closing) for opening, closing in _PAIRS)
_TO_FINAL = r"(?:<\|end\|>\s*)?<\|start\|>\s*assistant\s*<\|channel\|>\s*final\s*<\|message\|>"
"""Harmony: from one channel to the final one; see ``Harmony``."""
_LONE = re.compile(
    rf"</\s?(?:{_NAMES})\s?>|\[/think\]|◁/think▷|<\|end_of_thought\|>|<channel\|>|{_TO_FINAL}", re.IGNORECASE
)
_ANY_OPENING = re.compile(
    "|".join(re.sub(r"\?P<\w+>", "?:", opening) for opening, _ in _PAIRS) + r"|<\|channel\|>", re.IGNORECASE
)
_BEGUN = re.compile(
    r"(?:<|\[|◁)[/|]?\s?[\w:]{0,20}\|?\s?\Z|<\|channel>[a-z]{0,7}\Z"
    r"|(?:<\|[a-z]{1,8}\|>\s*(?:assistant\s*|final\s*)?){1,3}(?:a[sitan]{0,9}|f[inal]{0,4}|<\|?[a-z]{0,8}\|?)?\Z"
)
"""A possible beginning of a tag."""
_ABOUT = re.compile(r"[ \t]+\w")
"""Words on the same line after an opening tag, as in a sentence about it."""
FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
QUOTES = "`\"'\u201d\u2019"
_OPEN, _CLOSE = (*QUOTES, *"\u201c\u2018(\u00ab[{\u300c\u300e"), (*QUOTES, *")\u00bb]}\u300d\u300f")
_SET_OFF = re.compile(r"\s*(?:[-*+>#]|\d{1,3}[.)])[ \t]+|\s*\|(?:.*\|)?\s*| {4,}|\t+|(?:.*\s)?[*_]{1,3}")
"""What may precede a tag on its line: a list item, a table cell, indented code or bold."""
_GOES_ON = re.compile(r"[,;)\u3001\u3002\uff0c\uff1a\uff1b]|[.:?!](?:\s|\Z)|</")
"""What follows a tag in a sentence about it; no answer starts like this."""
LONGEST_HEAD = 100
"""The most characters kept of whitespace before a tag and of its possible beginning."""
MOST_TRIES = 8
"""How many lone closing tags are examined in an answer that talks about them."""
_SIGN = re.compile(r"(?<!`)<\|(?:begin|end)_of_box\|>(?!`)")
_BOX_BEGUN = re.compile(r"(?:(?<!`)`{1,2}|`?<(?:\|[a-z_]{0,13}(?:\|>?)?)?)\Z")
"""A marker, a fence, or a possible beginning of either."""
_FENCE = "```"


@dataclass(frozen=True, slots=True)
class ThinkingSplit:
    """The text and the reasoning in a piece."""

    text: str = ""
    reasoning: str = ""
    taken_back: bool = False
    """All earlier text of the answer was reasoning."""


class ThinkingTags:
    """Splits one answer. Tags after the beginning belong to the text, which may well be about tags."""

    def __init__(self) -> None:
        self._held = ""
        """A possible beginning of a tag."""
        self._said: list[str] = []
        self._closing: re.Pattern[str] | None = None
        """Closes the open tag."""
        self._opened: list[str] = []
        """The open tag and the pieces after it."""
        self._tries = 0
        self._answering = self._thought = self._apart = self._final = False

    def apart(self) -> None:
        """Reasoning arrives separately: a later closing tag is just text."""
        self._apart = True

    def split(self, piece: str) -> ThinkingSplit:
        """The text and reasoning in a piece; anything undecided comes with the next one."""
        if self._final:
            return ThinkingSplit(piece)
        self._held += piece
        return self._inside_tag() if self._closing else self._answer_text() if self._answering else self._head()

    def rest(self, *, whole: bool = False) -> ThinkingSplit:
        """What was held back, at the end; `whole`: the model finished normally.

        An answer that starts with a tag, never closes it and continues on the same line is a sentence about the tag.
        """
        held, self._held = self._held, ""
        if self._closing is None:
            return self._scan_lone_closings(held, last=True) if self._answering else ThinkingSplit(held)
        tag, *thoughts = self._opened
        thought = "".join(thoughts) + held
        for other in _LONE.finditer(thought) if whole else ():  # closed by a different tag than the one that opened it
            if not _is_quoted(thought, other) and thought[other.end() :].strip():
                return ThinkingSplit(thought[other.end() :].lstrip(), held)
        return ThinkingSplit(tag + thought) if whole and _ABOUT.match(thought) else ThinkingSplit(reasoning=held)

    def _head(self) -> ThinkingSplit:
        """Before the answer: whitespace, a tag, or the first words."""
        begun = self._held.lstrip()
        for opening, closing in _OPENINGS:
            if match := opening.match(begun):
                self._closing = re.compile(closing.format(name=re.escape(match["name"])), re.IGNORECASE)
                self._opened, self._held = [match[0]], begun[match.end() :]
                return self._inside_tag()
        if match := _LONE.match(begun):
            self._thought, self._held = True, begun[match.end() :]
            return self._head()
        if not begun or _BEGUN.match(begun):
            self._held = self._held[-LONGEST_HEAD:]
            return ThinkingSplit()
        self._held = begun if self._thought else self._held
        self._answering = True
        return self._answer_text()

    def _inside_tag(self) -> ThinkingSplit:
        assert self._closing is not None
        found = self._closing.search(self._held)
        while found and _is_quoted(self._held, found):
            found = self._closing.search(self._held, found.end())
        if found and (found.end() < len(self._held) or self._held[found.start() - 1 : found.start()] not in (*QUOTES,)):
            reasoning, self._held = self._held[: found.start()], self._held[found.end() :]
            self._closing, self._thought = None, True
            more = self._head()
            return ThinkingSplit(more.text, reasoning + more.reasoning)
        held_from = found or _BEGUN.search(self._held)
        split_at = max((held_from.start() if held_from else len(self._held)) - 1, 0)  # a quote may precede the tag
        reasoning, self._held = self._held[:split_at], self._held[split_at:]
        self._opened.append(reasoning)
        return ThinkingSplit(reasoning=reasoning)

    def _answer_text(self) -> ThinkingSplit:
        if self._thought or self._apart or self._tries >= MOST_TRIES:
            held, self._held, self._final = self._held, "", True
            return ThinkingSplit(held)
        return self._scan_lone_closings(self._held, last=False)

    def _scan_lone_closings(self, held: str, *, last: bool) -> ThinkingSplit:
        """Text that a lone closing tag may still turn into reasoning."""
        before = ""
        while match := _LONE.search(held):
            after = held[match.end() :]
            if not last and (not after.strip() or len(after) < 2):
                break
            self._said.append(held[: match.start()])
            said = "".join(self._said)
            self._said = [said]
            if _ends_thoughts(said, after):
                self._thought = self._final = True
                self._held = ""
                return ThinkingSplit(after.lstrip(), before + held[: match.start()], taken_back=True)
            self._tries += 1
            before += held[: match.end()]
            held = after
            self._said.append(match[0])
            if self._tries >= MOST_TRIES:
                break
        split_at = len(held)
        if not last and (held_from := _LONE.search(held) or _BEGUN.search(held)):
            split_at = held_from.start()
        self._held = held[split_at:]
        self._said.append(held[:split_at])
        return ThinkingSplit(before + held[:split_at])


def _is_quoted(text: str, tag: re.Match[str]) -> bool:
    """Whether a tag is in quotes or backticks, so that the text is about it."""
    before, after = text[tag.start() - 1 : tag.start()], text[tag.end() : tag.end() + 1]
    return bool(before) and before in QUOTES and after == before


def _ends_thoughts(said: str, after: str) -> bool:
    """Whether a lone closing tag between `said` and `after` ends reasoning, rather than being mentioned.

    It is mentioned if it is in code, in quotes, in mid-sentence, or after a mention of the opening tag.
    """
    if _ANY_OPENING.search(said) or len(FENCE.findall(said)) % 2:
        return False
    line = said[said.rfind("\n") + 1 :]
    if line.count("`") % 2 or (line[-1:] in _OPEN and after[:1] in _CLOSE):
        return False
    if not after.strip():
        return not line.strip()
    if _SET_OFF.fullmatch(line) or (line.strip() and _GOES_ON.match(after)):
        return False
    in_line = line[-1:].isspace() and (line.rstrip()[-1:].isalnum() or line.rstrip()[-1:] in (*",:;-",))
    follows = after.lstrip(" \t")[:1]
    return not in_line or follows == "\n" or (after[:1].isspace() and follows.isalnum() and not follows.islower())


class Boxes:
    """Removes box markers from one answer, except in code and in backticks, where they are mentioned."""

    def __init__(self) -> None:
        self._held = ""
        self._in_code = False

    def without(self, piece: str, *, last: bool) -> str:
        """The piece without box markers; anything undecided comes with the next one."""
        text = self._held + piece
        held = None if last else _BOX_BEGUN.search(text, max(len(text) - 20, 0))
        at = held.start() if held else len(text)
        text, self._held = text[:at], text[at:]
        first, *further = text.split(_FENCE)
        parts = [first if self._in_code else _SIGN.sub("", first)]
        for part in further:
            self._in_code = not self._in_code
            parts.append(part if self._in_code else _SIGN.sub("", part))
        return _FENCE.join(parts)
