"""Recognition of questions by their form, in any language, and the plain words of a stored turn.

Looking back is worth the most when a message asks something.
"""

import re
from collections.abc import Sequence

from bot.conversation.stemming import Script, script_for, unspaced_language
from bot.conversation.wordlists import QuestionWords, asking, indefinite_endings, languages_of

_STAMP = re.compile(r"^\[\w{3} \d{4}-\d\d-\d\d \d\d:\d\d\] ", re.MULTILINE)
_QUOTE = re.compile(r"^> .*$|\[forwarded from [^\]\n]{1,80}\]$", re.MULTILINE)
"""A name is at most this long (``incoming_message.clean_name``); an unlimited search after each bracket would be slow.
"""
_SPEAKER = re.compile(r"^\S[^:\n]{0,79}: ", re.MULTILINE)
_WORDLESS = re.compile(
    r"^[^\S\n]*\[(?:(?:live )?(?:photo|location)|animation|video|round video message|voice message|sticker|story"
    r"|paid media|dice|file|sound|text of the file|end of the file|end of what was forwarded)\b.*\]$"
    r"|^[^\S\n]*\[(?:document|audio)(?:,.*)?\]$",
    re.MULTILINE,
)
_NAMED = re.compile(r"^[^\S\n]*\[(?:document|audio) (?=.*\]$)(.+?)(?:, \d.*)?\]$", re.MULTILINE)
"""The bot's notes about non-text content (``inbound.kinds``); users can't type them (``typed``)."""
_HANDLE = re.compile(r"@\w*bot\b[,:]?", re.IGNORECASE)
# \uff01 and \uff1f are the full-width marks of Chinese and Japanese. After one or two digits a dot may be part of a
# date.
_SENTENCE = re.compile(r"(?<=[.!?。\uff01\uff1f؟])(?<!\b\d\.)(?<!\b\d\d\.)\s*(?=\S)|\n+")
_MARKS = ("?", "\uff1f", "؟", "\u037e", "\u055e", "⸮")
"""Including those of Arabic, Greek and Armenian."""
MOST_WORDS, MOST_SENTENCES = 40, 8
"""A longer message says more than it asks."""
MOST_SIGNS = 60
"""The same in characters, for scripts without spaces."""
MOSTLY = 0.5
"""The share of a message's characters that must be in questions."""
CERTAIN_LETTERS = 6
"""A word this long, or with an accent, is hardly a word of another language too."""
_EXCLAMATIONS = ("!", "\uff01")
_APART = re.compile(r"[\s-]+")
_AROUND = (
    " \t\"'`()[]{}<>*_~#.,:;!?-/"  # and dashes, quotes, punctuation of Spanish, Arabic, Hindi, Chinese, Japanese
    "\u2010\u2011\u2012\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u2026\u2039\u203a\u00ab\u00bb\u00a1\u00bf\u00b7"
    "\u060c\u061b\u061f\u0964\u3001\u3002\u3008\u3009\u300a\u300b\u300c\u300d\u300e\u300f\uff01\uff08\uff09\uff0c\uff1a\uff1b"
)


def strip_framing(content: str) -> str:
    """A turn's own words: without the timestamp, quote and forward line rendered into it."""
    return _QUOTE.sub("", _STAMP.sub("", content)).strip()


def strip_notes(said: str) -> str:
    """The words without the bot's notes of other content, which are the same for all photos. File names stay."""
    return _NAMED.sub(r"\1", _WORDLESS.sub("", said)).strip()


def strip_names(said: str, names: Sequence[str]) -> str:
    """The words of group messages without the speakers' names and the bot's."""
    said = _HANDLE.sub(" ", _SPEAKER.sub("", said))
    for name in names:
        said = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)[,:]?", " ", said, flags=re.IGNORECASE)
    return said.strip()


def strip_timestamp(content: str) -> str:
    """A turn verbatim, without the timestamp rendered at its start."""
    return content[len(timestamp_of(content)) :]


def timestamp_of(content: str) -> str:
    """The timestamp rendered at the start of a turn, or ""."""
    match = _STAMP.match(content)
    return match[0] if match else ""


def is_question(words: str, home: Sequence[str] = ()) -> bool:
    """Whether the message is only a question; `home`: the chat's languages, most used first."""
    sentences = _sentences(words)
    if not 0 < len(sentences) <= MOST_SENTENCES or len(words.split()) > MOST_WORDS:
        return False
    questions = [sentence for sentence in sentences if sentence.endswith(_MARKS) or _is_worded(sentence, home)]
    return sum(map(len, questions)) >= MOSTLY * sum(map(len, sentences))


def has_question_mark(words: str) -> bool:
    """Whether the words contain a question mark."""
    return any(mark in words for mark in _MARKS)


def _is_worded(sentence: str, home: Sequence[str]) -> bool:
    """Whether a sentence is a question by its words. Exclamations aren't: "What a day!", "Как хорошо!"."""
    if sentence.endswith(_EXCLAMATIONS):
        return False
    if language := unspaced_language(sentence):
        return _is_worded_in_signs(sentence, asking()[language])
    words = _words(sentence)
    certain = {word for word in words if len(word) >= CERTAIN_LETTERS or not word.isascii()}
    latin_language = languages_of(words, home).get(Script.LATIN)
    latin = (
        [latin_language] if latin_language else [language for language in home if script_for(language) is Script.LATIN]
    )
    for language, known in asking().items():
        at_home = not known.latin or language in latin
        first = next((word for word in words if word not in known.before), "")
        if first in known.first and (at_home or not latin):
            return True
        if not known.anywhere.isdisjoint(words if at_home else certain):
            return True
    return False


def _is_worded_in_signs(sentence: str, known: QuestionWords) -> bool:
    said = sentence.strip(_AROUND)
    if len(said) > MOST_SIGNS:
        return False
    for indefinite in known.indefinite:
        said = said.replace(indefinite, "")
    return any(part in said for part in known.parts) or said.endswith(tuple(known.ends))


def _words(sentence: str) -> list[str]:
    words = [word.strip(_AROUND).casefold().replace("\u0451", "\u0435") for word in sentence.split()]
    return [
        part
        for word in words
        if not word.endswith(indefinite_endings())
        for piece in _APART.split(word)
        if (part := piece.strip(_AROUND))
    ]


def question_in(words: str) -> str:
    """The questions in a longer message; "" if there are none."""
    return " ".join(sentence for sentence in _sentences(words) if sentence.endswith(_MARKS))


def _sentences(words: str) -> list[str]:
    return [sentence.strip() for sentence in _SENTENCE.split(words) if sentence.strip()]
