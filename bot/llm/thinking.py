"""Reasoning that a model writes into its answer, in tags, told apart while it streams.

Servers that know their model send it apart, as ``reasoning_content``; those that don't (llama.cpp, Ollama and vLLM
without a reasoning parser) hand on the tags that Qwen, DeepSeek, Mistral and others were trained to write. Where the
server's template has written the opening one, the answer has the closing one alone: what stands before it was thought,
and is taken back.

The signs of a box, which GLM's models put around what they answer, and which many servers hand on.
"""

import re
from dataclasses import dataclass

_NAMES = r"(?:[a-z]{1,10}[:_])?think(?:ing)?|thoughts?|reasoning"
"""Some with a prefix: ``seed:think``, ``longcat_think``, ``mm:think`` of MiniMax."""
_PAIRS = (
    (rf"<\s?(?P<name>{_NAMES})\s?>", r"</\s?(?:{name})\s?>"),
    (r"\[(?P<name>think)\]", r"\[/(?:{name})\]"),  # Mistral
    (r"◁(?P<name>think)▷", r"◁/(?:{name})▷"),  # Kimi
    (r"<\|begin_of_(?P<name>thought)\|>", r"<\|end_of_{name}\|>"),
    (r"<\|channel>(?P<name>thought)\s", r"<channel\|>"),  # Gemma 4
)
_OPENINGS = tuple((re.compile(opening, re.IGNORECASE), closing) for opening, closing in _PAIRS)
_TO_FINAL = r"(?:<\|end\|>\s*)?<\|start\|>\s*assistant\s*<\|channel\|>\s*final\s*<\|message\|>"
"""From one channel of Harmony to the last one; see ``Harmony``."""
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
"""What may be the beginning of a tag."""
_ABOUT = re.compile(r"[ \t]+\w")
"""Behind an opening tag: words on its line, as in a sentence about it."""
FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
QUOTES = "`\"'\u201d\u2019"
_OPEN, _CLOSE = (*QUOTES, *"\u201c\u2018(\u00ab[{\u300c\u300e"), (*QUOTES, *")\u00bb]}\u300d\u300f")
_SET_OFF = re.compile(r"\s*(?:[-*+>#]|\d{1,3}[.)])[ \t]+|\s*\|(?:.*\|)?\s*| {4,}|\t+|(?:.*\s)?[*_]{1,3}")
"""Before a tag in its line: it is an item of a list, a cell of a table, a line of code, or in bold."""
_GOES_ON = re.compile(r"[,;)\u3001\u3002\uff0c\uff1a\uff1b]|[.:?!](?:\s|\Z)|</")
"""Behind a tag in a line that speaks of it: no answer begins so."""
LONGEST_HEAD = 100
"""Characters that are kept of the blanks before a tag, and of what may be its beginning."""
MOST_TRIES = 8
"""Lone closing tags that are looked at, in an answer that talks of them."""
_SIGN = re.compile(r"(?<!`)<\|(?:begin|end)_of_box\|>(?!`)")
_BOX_BEGUN = re.compile(r"(?:(?<!`)`{1,2}|`?<(?:\|[a-z_]{0,13}(?:\|>?)?)?)\Z")
"""What may be a sign, or the beginning of one or of a fence."""
_FENCE = "```"


@dataclass(frozen=True, slots=True)
class ThinkingSplit:
    """What a piece has of the answer and of the reasoning."""

    text: str = ""
    reasoning: str = ""
    taken_back: bool = False
    """What was said before this was reasoning."""


class ThinkingTags:
    """Splits one answer. Tags further on are the answer's own words, which may well be about tags."""

    def __init__(self) -> None:
        self._held = ""
        """What may be the beginning of a tag."""
        self._said: list[str] = []
        self._closing: re.Pattern[str] | None = None
        """Of the tag that is open."""
        self._opened: list[str] = []
        """What stands in it, with the tag itself."""
        self._tries = 0
        self._answering = self._thought = self._apart = self._final = False

    def apart(self) -> None:
        """The server tells the reasoning apart: no closing tag further on is one."""
        self._apart = True

    def split(self, piece: str) -> ThinkingSplit:
        """The answer and the reasoning in a piece; what can't be told yet comes with the next one."""
        if self._final:
            return ThinkingSplit(piece)
        self._held += piece
        return self._within() if self._closing else self._said_more() if self._answering else self._head()

    def rest(self, *, whole: bool = False) -> ThinkingSplit:
        """What was held back, when there is no next piece; `whole`: the model had said all that it wanted to say.

        An answer that begins with a tag, closes none and speaks on in its line is a sentence about it.
        """
        held, self._held = self._held, ""
        if self._closing is None:
            return self._lone(held, last=True) if self._answering else ThinkingSplit(held)
        tag, *thoughts = self._opened
        thought = "".join(thoughts) + held
        for other in _LONE.finditer(thought) if whole else ():  # closed by another tag than it was opened by
            if not _is_quoted(thought, other) and thought[other.end() :].strip():
                return ThinkingSplit(thought[other.end() :].lstrip(), held)
        return ThinkingSplit(tag + thought) if whole and _ABOUT.match(thought) else ThinkingSplit(reasoning=held)

    def _head(self) -> ThinkingSplit:
        """Before the answer: blanks, or a tag, or its first words."""
        begun = self._held.lstrip()
        for opening, closing in _OPENINGS:
            if match := opening.match(begun):
                self._closing = re.compile(closing.format(name=re.escape(match["name"])), re.IGNORECASE)
                self._opened, self._held = [match[0]], begun[match.end() :]
                return self._within()
        if match := _LONE.match(begun):
            self._thought, self._held = True, begun[match.end() :]
            return self._head()
        if not begun or _BEGUN.match(begun):
            self._held = self._held[-LONGEST_HEAD:]
            return ThinkingSplit()
        self._held = begun if self._thought else self._held
        self._answering = True
        return self._said_more()

    def _within(self) -> ThinkingSplit:
        assert self._closing is not None
        found = self._closing.search(self._held)
        while found and _is_quoted(self._held, found):
            found = self._closing.search(self._held, found.end())
        if found and (found.end() < len(self._held) or self._held[found.start() - 1 : found.start()] not in (*QUOTES,)):
            reasoning, self._held = self._held[: found.start()], self._held[found.end() :]
            self._closing, self._thought = None, True
            more = self._head()
            return ThinkingSplit(more.text, reasoning + more.reasoning)
        kept = found or _BEGUN.search(self._held)
        split_at = max((kept.start() if kept else len(self._held)) - 1, 0)  # a quote may stand before the tag
        reasoning, self._held = self._held[:split_at], self._held[split_at:]
        self._opened.append(reasoning)
        return ThinkingSplit(reasoning=reasoning)

    def _said_more(self) -> ThinkingSplit:
        if self._thought or self._apart or self._tries >= MOST_TRIES:
            held, self._held, self._final = self._held, "", True
            return ThinkingSplit(held)
        return self._lone(self._held, last=False)

    def _lone(self, held: str, *, last: bool) -> ThinkingSplit:
        """Words of the answer, which a closing tag without an opening one may turn into reasoning."""
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
        if not last and (kept := _LONE.search(held) or _BEGUN.search(held)):
            split_at = kept.start()
        self._held = held[split_at:]
        self._said.append(held[:split_at])
        return ThinkingSplit(before + held[:split_at])


def _is_quoted(text: str, tag: re.Match[str]) -> bool:
    """Whether a tag stands in quotes or backticks, so that it is spoken of."""
    before, after = text[tag.start() - 1 : tag.start()], text[tag.end() : tag.end() + 1]
    return bool(before) and before in QUOTES and after == before


def _ends_thoughts(said: str, after: str) -> bool:
    """Whether a closing tag between these is one, and not spoken of.

    It is spoken of in code, in quotes, where an opening one was named before, or in the middle of a sentence.
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
    """Takes them out of one answer, but for code, and for those in backticks, which are spoken of."""

    def __init__(self) -> None:
        self._held = ""
        self._in_code = False

    def without(self, piece: str, *, last: bool) -> str:
        """The piece without them; what can't be told yet comes with the next one."""
        text = self._held + piece
        held = None if last else _BOX_BEGUN.search(text, max(len(text) - 20, 0))
        at = held.start() if held else len(text)
        text, self._held = text[:at], text[at:]
        first, *further = text.split(_FENCE)
        told = [first if self._in_code else _SIGN.sub("", first)]
        for part in further:
            self._in_code = not self._in_code
            told.append(part if self._in_code else _SIGN.sub("", part))
        return _FENCE.join(told)
