"""Cache markers: where they stand in a prompt, and whether a request is cheaper with them.

Prices are Model Studio's, in units of a fresh input token: with markers a write costs 1.25 and a hit 0.1, without them
a hit costs 0.2 and is not promised. A request has one kind or the other. OpenAI (since GPT-5.6) and Anthropic have the
same prices for what is marked.

Deciding on cache markers from what the chat's last answers were reported to cost.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bot.conversation.window import PromptWindow
from bot.llm.interface import MOST_MARKS, CacheProfile, Message
from storage import Storage
from storage.records import Chat, Report

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


@dataclass(frozen=True, slots=True)
class CacheMarkerPolicy:
    """Marks requests; `cache` tells of a model's by its name, `clock` gives Unix seconds."""

    storage: Storage
    setting: Setting
    cache: Callable[[str], CacheProfile]
    clock: Callable[[], float]

    async def marked(self, view: PromptWindow, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """The messages, with markers where they pay."""
        profile = self.cache(view.model.name)
        reports = await self.storage.usage.reports(view.window.chat.id, 2)
        last = self._last(view, reports, profile.lifetime_s)
        gap = last.age_s if last else None
        tokens = round(view.sizes.total)
        yes = wanted(self.setting, profile, gap_s=gap, prompt_tokens=tokens, last=last)
        return placed(messages) if yes else self._unmarked(profile, messages)

    async def as_before(self, view: PromptWindow, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """The messages of a request beside the conversation, marked when its last answer's were: so it hits as well."""
        reports = await self.storage.usage.reports(view.window.chat.id, 1)
        if reports and reports[0].marked:
            return placed(messages)
        return self._unmarked(self.cache(view.model.name), messages)

    def _unmarked(self, profile: CacheProfile, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """Where nothing is found again without markers, the server would pay for one of its own, at the very end."""
        return opened(messages) if profile.exact and self.setting == "auto" else messages

    def _last(self, view: PromptWindow, reports: Sequence[Report], lifetime_s: float) -> LastRequest | None:
        if not reports:
            return None
        newest, usage = reports[0], reports[0].usage
        primed = False
        if len(reports) > 1:
            before = reports[1]
            compacted = view.window.memory is not None and view.window.memory.made_at >= before.at
            primed = before.marked and not compacted and newest.at - before.at < lifetime_s
        return LastRequest(newest.marked, usage.input, usage.cached, max(0.0, self.clock() - newest.at), primed)


def cache_key(chat: Chat) -> str:
    """What all requests of a chat have in common for the server, which learns nothing else from it."""
    return f"keepsake-{chat.id}"
