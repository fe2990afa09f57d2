"""Finish reasons: why an answer ended, in the words of many servers.

There are too many words for a complete list, so an unlisted one is classified by its parts: ``user_cancelled`` means a
broken answer, as ``cancelled`` does. A word that says nothing is UNKNOWN. Such an answer is shown unless it ends in
mid-sentence, because it is most likely complete and can be requested again; it is not used as a summary, where a
missing part would go unnoticed.
"""

import logging
import re
from collections.abc import Mapping

from bot.errors import ContextTooLong, StreamCut
from bot.llm.stream_events import Finish

_OPEN = {
    "null",
    "none",
    "undefined",
    "unfinished",
    "notfinished",
    "inprogress",
    "finishreasonunspecified",
    "unspecified",
}
_OPEN |= {"queued", "pending", "generating", "running", "streaming"}
"""Not finished yet: DashScope sends ``null`` until the last event, Gemini has a word for it."""
_STOPPED = re.compile(
    "stop|eos|eostoken|endoftext|endturn|endofturn|eot|eotid|eod|imend|stopsequence|stoptoken|stopstring|toolcalls?"
    "|tooluse|functioncall|completed?|done|end|ended|finish|finished|success|normal|ok|pauseturn"
)
_WORDS = {
    "errorlimit": Finish.LENGTH,  # Cohere
    "errortoxic": Finish.FILTER,
    "refusal": Finish.FILTER,  # Anthropic
    "language": Finish.FILTER,  # Gemini
    "spii": Finish.FILTER,
    "repetition": Finish.LENGTH,  # vLLM: cut because it kept repeating itself
}
_FILTER = re.compile(
    "filter|safety|sensitiv|moderat|guardrail|policy|prohibit|blocklist|blacklist|blocked|refus|recitation|censor|violat"
    "|inappropriat|unsafe|inspection|risk|toxic|harm|modelarmor|nsfw|illegal"
)
_BROKEN = re.compile(
    "error|abort|cancel|timeout|timelimit|ratelimit|fail|insufficient|malformed|interrupt|overload|unavailable|exhaust"
    "|crash|unexpected|invalid|disconnect|network|killed|preempt|incomplete|partial|missing|toomany|noimage|shutdown"
    "|other|terminat|evict|dropp|lost|expire|deadline|quota|outofmemory|^oom|panic|exception|broken|stall|^hang|hung|gateway"
    "|restart|reset|retry|unload|^internal|userstop|reject|throttl|died|dead"
)
_LENGTH = re.compile(
    "length|max|limit|truncat|contextwindow|toolong|exceed|budget|overflow|cutoff|(?:cache|context|window|buffer)full|outofcontext|nomoretokens|loop|degenerat"
)
_STOP = re.compile("stop|eos|complet|done|finish|tool|function|success")
_MISCALLED = re.compile("^functioncallfilter|malformed(?:function|tool)")
"""Gemini's word for a malformed tool call; no content filter."""
_KINDS = ((_MISCALLED, None), (_FILTER, Finish.FILTER), (_BROKEN, None), (_LENGTH, Finish.LENGTH), (_STOP, Finish.STOP))

MOST_END = 200
"""Characters at the end of an answer that are checked for a complete sentence."""
_LEAST_WORDS, _LEAST_SIGNS = 4, 9
"""A shorter line (words, or characters in scripts without spaces) may be a complete answer without a period, such as a
name."""
_JOINING = re.compile(r"[,;:\u2013\u2014\u3001\uff0c\uff1b\uff1a\u060c(\[{/&+=-]\Z")
_UNSTOPPED = re.compile("[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff]")
"""Thai, Lao, Tibetan, Burmese and Khmer, which have no sentence-ending punctuation."""

log = logging.getLogger(__name__)


def reason_in(*places: Mapping[str, object]) -> object:
    """The first finish reason found, spelled OpenAI's way or Gemini's."""
    found = (place.get(name) for place in places for name in ("finish_reason", "finishReason"))
    return next((reason for reason in found if reason), None)


def finish_of(reason: object, *, said: bool) -> Finish | None:
    """The finish reason, or None if the answer goes on.

    `said`: part of the answer has arrived. Raises StreamCut if anything but the model ended it, and ContextTooLong if
    the window was full before the first word.
    """
    if isinstance(reason, Mapping):  # SGLang's native interface and some gateways in front of it
        reason = reason.get("type")
    if not reason:
        return None
    word = "".join(filter(str.isalnum, str(reason).lower()))
    if word in _OPEN:
        return None
    if not said and "context" in word and _kind(word) is Finish.LENGTH:
        raise ContextTooLong(f"finish reason {reason!r} before the first word")
    finish = _kind(word)
    if finish is None:
        raise StreamCut(f"finish reason {reason!r:.100}")
    if finish is Finish.UNKNOWN:
        unknown = StreamCut(f"finish reason {reason!r:.100}")  # an error: the log hides what it quotes
        log.warning("The model server ended an answer for an unknown reason: %s", unknown)
    return finish


def in_mid_sentence(end: str) -> bool:
    """Whether an answer that ends like this breaks off."""
    end = end.rstrip()
    if not end or _JOINING.search(end):
        return bool(end)
    line = end[end.rfind("\n") + 1 :]
    if not end[-1].isalnum() or _UNSTOPPED.search(end[-1]):
        return False
    words, signs = len(line.split()), sum("\u3040" <= char <= "\uffdc" for char in line)
    return words >= _LEAST_WORDS or signs >= _LEAST_SIGNS


def _kind(word: str) -> Finish | None:
    if _STOPPED.fullmatch(word):
        return Finish.STOP
    kinds = (finish for parts, finish in _KINDS if parts.search(word))
    return _WORDS.get(word) or next(kinds, Finish.UNKNOWN)
