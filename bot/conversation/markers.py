"""Cache markers: where they stand in a prompt, and whether a request is cheaper with them.

Prices are Model Studio's, in units of a fresh input token: with markers a write costs 1.25 and a hit 0.1, without them
a hit costs 0.2 and is not promised. A request has one kind or the other. OpenAI (since GPT-5.6) and Anthropic have the
same prices for what is marked.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bot.llm.caching import MOST_MARKS, CacheProfile
from bot.llm.interface import Message

Setting = Literal["auto", "on", "off"]

WRITE, HIT, UNMARKED_HIT = 1.25, 0.1, 0.2
"""Prices of a token, relative to a fresh one (Alibaba Cloud Model Studio, "Context cache")."""


@dataclass(frozen=True, slots=True)
class LastRequest:
    """The chat's request before this one, as the server reported it (tokens); `input` includes the `cached` ones."""

    marked: bool
    input: int
    cached: int
    age_s: float
    primed: bool = False
    """It had its own predecessor's prefix and marks, within the lifetime: a hit was to be expected.

    False where that is not known, after a compaction, and after a pause: a miss says nothing then.
    """


def placed(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The messages with marks where the prompt will be the same next time, their text untouched.

    One on the system message (with the memory in it), the others behind the user's own words, before what they brought
    to mind: on the newest ones, up to which the next request will be the same, and on those before them, up to which
    this one is. A server that finds nothing again but at a mark has to see the old ones too, and where the newest words
    have grown since (a group talks on), it finds those before them. Some servers take no mark on an answer.
    """
    said = [index for index, message in enumerate(messages) if message.role == "user" and _lasts(message)]
    system = [index for index, message in enumerate(messages) if message.role == "system" and message.content]
    return _marked(messages, {*system, *said[-(MOST_MARKS - len(system)) :]})


def opened(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The messages with a mark on the system message alone: nothing else is worth the price of being kept."""
    return _marked(
        messages, {at for at, message in enumerate(messages) if message.role == "system" and message.content}
    )


def keeps_words(messages: Sequence[Message]) -> bool:
    """Whether more than the system message is marked."""
    return any(message.mark and message.role != "system" for message in messages)


def _marked(messages: Sequence[Message], spots: Collection[int]) -> tuple[Message, ...]:
    return tuple(replace(message, mark=index in spots) for index, message in enumerate(messages))


def _lasts(message: Message) -> bool:
    """Whether there is anything in it that the next request will have."""
    return len(message.content) > message.passing or any(not isinstance(part, str) for part in message.parts)


def wanted(
    setting: Setting, profile: CacheProfile, *, gap_s: float | None, prompt_tokens: int, last: LastRequest | None
) -> bool:
    """Whether this request should have markers; `gap_s` is the time since the chat's last turn (None: the first one).

    ``auto`` supposes that the next turn comes as fast as this one did, and counts the two together, for a prompt of P
    tokens that hardly grows:

    - Turns further apart than the lifetime: 1.25 P + 1.25 P with markers (nobody reads what was written), 2 P without.
    - Faster, and nothing is known of unmarked hits: 1.25 P + 0.1 P with, 2 P without.
    - Faster, and the last request went without and had the share s of it cached: 1.35 P with markers, 2 P (1 - 0.8 s)
      without. So markers from s = 0 up to s = 0.4, and above that the cache that asks for no write.
      A cache that finds nothing without markers has no such hits.
    - The last request had markers, and hits: 0.1 P each. One that had to hit and did not was sent to a server that
      ignores markers, where a cache without them may still work.
    """
    if setting != "auto":
        return setting == "on"
    if not profile.explicit or prompt_tokens < profile.minimum:
        return False
    if gap_s is None or gap_s >= profile.lifetime_s:
        return False
    if last is None or last.age_s >= profile.lifetime_s:
        return True
    if last.marked:
        return last.cached > 0 or not last.primed
    share = last.cached / last.input if last.input > 0 and not profile.exact else 0.0
    return 2 * (1 - (1 - UNMARKED_HIT) * share) > WRITE + HIT
