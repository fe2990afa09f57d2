"""Cache markers: where they go in a prompt, and whether a request is cheaper with them.

Prices are Model Studio's, relative to an uncached input token: with markers a write costs 1.25 and a hit 0.1; without
them a hit costs 0.2 and isn't guaranteed. A request uses one kind or the other. OpenAI (since GPT-5.6) and Anthropic
charge the same for marked prompts.

The decision is based on the reported usage of the chat's last answers.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bot.conversation.window import PromptWindow
from bot.llm.interface import MOST_MARKS, CacheProfile, Message
from storage.records import Chat, Report
from storage.usage import UsageLog

Setting = Literal["auto", "on", "off"]
WRITE, HIT, UNMARKED_HIT = 1.25, 0.1, 0.2
"""Prices per token relative to an uncached one (Alibaba Cloud Model Studio, "Context cache")."""


@dataclass(frozen=True, slots=True)
class LastRequest:
    """The chat's previous request as the server reported it, in tokens; `input` includes `cached`."""

    marked: bool
    input: int
    cached: int
    age_s: float
    primed: bool = False
    """The request before it had the same prefix and marks, within the lifetime, so a hit was to be expected.

    False if unknown, after a compaction and after a pause; a miss then means nothing.
    """


def mark_stable_messages(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Mark the messages up to which the next prompt will be identical; their text is unchanged.

    One mark goes on the system message (which includes the memory), the others on user messages, before anything
    recalled for them: on the newest, up to which the next request will be the same, and on those before it, up to which
    this one is the same as the last. Servers that match only at marks need the old marks too; and if the newest message
    has grown since (unaddressed group talk is appended to it), they match at the one before. Some servers don't accept
    marks on answers.
    """
    said = [index for index, message in enumerate(messages) if message.role == "user" and _is_repeated(message)]
    system = [index for index, message in enumerate(messages) if message.role == "system" and message.content]
    return _set_marks(messages, {*system, *said[-(MOST_MARKS - len(system)) :]})


def mark_system_message(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Mark the system message only: nothing else is worth the price of a write."""
    return _set_marks(
        messages, {at for at, message in enumerate(messages) if message.role == "system" and message.content}
    )


def keeps_words(messages: Sequence[Message]) -> bool:
    """Whether any message besides the system message is marked."""
    return any(message.mark and message.role != "system" for message in messages)


def _set_marks(messages: Sequence[Message], spots: Collection[int]) -> tuple[Message, ...]:
    return tuple(replace(message, mark=index in spots) for index, message in enumerate(messages))


def _is_repeated(message: Message) -> bool:
    """Whether the message contains anything that the next request will repeat."""
    return len(message.content) > message.passing or any(not isinstance(part, str) for part in message.parts)


def should_mark(
    setting: Setting, profile: CacheProfile, *, gap_s: float | None, prompt_tokens: int, last: LastRequest | None
) -> bool:
    """Whether this request should have markers; `gap_s` is the time since the chat's last turn (None: the first).

    ``auto`` assumes that the next turn comes as soon as this one did, and adds up both requests, for a prompt of P
    tokens that hardly grows:

    - Turns further apart than the lifetime: 1.25 P + 1.25 P with markers (nobody reads what was written), 2 P without.
    - Closer, and nothing is known about unmarked hits: 1.25 P + 0.1 P with, 2 P without.
    - Closer, and the last request had no markers and the share s of it cached: 1.35 P with, 2 P (1 - 0.8 s) without.
      So markers pay up to s = 0.4; above, the implicit cache is cheaper, since it charges nothing for writes. A cache
      that works only with markers has no such hits.
    - The last request had markers and hits: 0.1 P each. If a hit was to be expected and didn't come, the server
      ignores markers, and an implicit cache may still work.
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


class CacheMarkerPolicy:
    """Marks requests; `cache` returns the cache profile of a model by name, `clock` gives Unix seconds."""

    def __init__(
        self, usage: UsageLog, setting: Setting, cache: Callable[[str], CacheProfile], clock: Callable[[], float]
    ) -> None:
        self._usage = usage
        self._setting = setting
        self._cache = cache
        self._clock = clock

    async def mark(self, view: PromptWindow, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """The messages, with markers if they pay."""
        profile = self._cache(view.model.name)
        matters = self._setting == "auto" and profile.explicit
        reports = await self._usage.reports(view.window.chat.id, 2) if matters else ()
        last = self._last(view, reports, profile.lifetime_s)
        gap = last.age_s if last else None
        tokens = round(view.sizes.total)
        yes = should_mark(self._setting, profile, gap_s=gap, prompt_tokens=tokens, last=last)
        return mark_stable_messages(messages) if yes else self._without_markers(profile, messages)

    async def mark_like_last(self, view: PromptWindow, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """Mark a side request like the chat's last answer, so that it hits the same cache."""
        reports = await self._usage.reports(view.window.chat.id, 1)
        if reports and reports[0].marked:
            return mark_stable_messages(messages)
        return self._without_markers(self._cache(view.model.name), messages)

    def _without_markers(self, profile: CacheProfile, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """Don't mark, except the system message if the server would otherwise add a paid mark at the end."""
        return mark_system_message(messages) if profile.exact and self._setting == "auto" else messages

    def _last(self, view: PromptWindow, reports: Sequence[Report], lifetime_s: float) -> LastRequest | None:
        if not reports:
            return None
        newest, usage = reports[0], reports[0].usage
        primed = False
        if len(reports) > 1:
            before = reports[1]
            compacted = view.window.memory is not None and view.window.memory.made_at >= before.at
            primed = before.marked and not compacted and newest.at - before.at < lifetime_s
        return LastRequest(newest.marked, usage.input, usage.cached, max(0.0, self._clock() - newest.at), primed)


def cache_key(chat: Chat) -> str:
    """An identifier that a chat's requests share; it tells the server nothing else."""
    return f"keepsake-{chat.id}"
