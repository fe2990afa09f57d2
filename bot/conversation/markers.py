"""Cache markers: where they stand in a prompt, and whether a request is cheaper with them.

Prices are Model Studio's, in units of a fresh input token: with markers a write costs 1.25 and a hit 0.1, without them
a hit costs 0.2 and is not promised. A request has one kind or the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bot.llm.interface import CacheProfile, Message

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

    One on the system message (with the memory in it), one on the last assistant message that the user has answered.
    The newest user message can still grow and has recalled text behind it, so it is never marked.
    """
    users = [index for index, message in enumerate(messages) if message.role == "user"]
    newest = users[-1] if users else 0
    answered = [index for index, message in enumerate(messages[:newest]) if message.role == "assistant"]
    spots = {*answered[-1:], *(index for index, message in enumerate(messages) if message.role == "system")}
    return tuple(
        replace(message, mark=index in spots and message.content != "") for index, message in enumerate(messages)
    )


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
    share = last.cached / last.input if last.input > 0 else 0.0
    return 2 * (1 - (1 - UNMARKED_HIT) * share) > WRITE + HIT
