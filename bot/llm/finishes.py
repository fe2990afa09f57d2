"""Why an answer ended, in the words of many servers.

The words for a normal end are legion, and so are those for the others, so that a word that is in no list is taken by
what it is made of: ``user_cancelled`` tells of a broken answer as ``cancelled`` does. One that says nothing is UNKNOWN.
Its answer is shown, unless it ends in the middle of a sentence, since it most likely is whole and can be asked for
again; it becomes no notes, since nobody would notice what is missing in them.
"""

import logging
import re
from collections.abc import Mapping

from bot.errors import ContextTooLong, StreamCut
from bot.llm.interface import Finish

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
"""It has not ended: DashScope says ``null`` until the last event, Gemini has a word for it."""
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
    "repetition": Finish.LENGTH,  # vLLM: cut since it went in circles
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
"""Gemini's, of a call that its model wrote wrong: no filter of what was said."""
_KINDS = ((_MISCALLED, None), (_FILTER, Finish.FILTER), (_BROKEN, None), (_LENGTH, Finish.LENGTH), (_STOP, Finish.STOP))

MOST_END = 200
"""Characters at the end of an answer that tell whether it ends in the middle of a sentence."""
_LEAST_WORDS, _LEAST_SIGNS = 4, 9
"""A line of fewer words, or signs in a script without blanks, may be an answer without a stop, such as a name."""
_JOINING = re.compile(r"[,;:\u2013\u2014\u3001\uff0c\uff1b\uff1a\u060c(\[{/&+=-]\Z")
_UNSTOPPED = re.compile("[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff]")
"""Thai, Lao, Tibetan, Burmese and Khmer, whose sentences end without a sign of their own."""

log = logging.getLogger(__name__)


def reason_in(*places: Mapping[str, object]) -> object:
    """The reason in the first of these places that has one, as OpenAI writes its name or as Gemini does."""
    found = (place.get(name) for place in places for name in ("finish_reason", "finishReason"))
    return next((reason for reason in found if reason), None)


def finish_of(reason: object, *, said: bool) -> Finish | None:
    """Why the model stopped; None: it has not, as far as this says.

    `said`: there was an answer before. Raises StreamCut where something else than the model stopped it, and
    ContextTooLong where the window was full before the first word.
    """
    if isinstance(reason, Mapping):  # SGLang's own interface, some gateways before it
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
        log.warning("The model server ended an answer with the unknown finish reason %.100r", reason)
    return finish


def in_mid_sentence(end: str) -> bool:
    """Whether an answer with this end breaks off."""
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
