"""Deciding on cache markers from what the chat's last answers were reported to cost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.conversation.markers import LastRequest, Setting, opened, placed, wanted
from bot.conversation.windows import View
from bot.llm.caching import CacheProfile
from bot.llm.interface import Message
from storage import Storage
from storage.records import Chat, Report


@dataclass(frozen=True, slots=True)
class Marking:
    """Marks requests; `cache` tells of a model's by its name, `clock` gives Unix seconds."""

    storage: Storage
    setting: Setting
    cache: Callable[[str], CacheProfile]
    clock: Callable[[], float]

    async def marked(self, view: View, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """The messages, with markers where they pay."""
        profile = self.cache(view.model.name)
        reports = await self.storage.transcript.reports(view.window.chat.id, 2)
        last = self._last(view, reports, profile.lifetime_s)
        gap = last.age_s if last else None
        tokens = round(view.sizes.total)
        yes = wanted(self.setting, profile, gap_s=gap, prompt_tokens=tokens, last=last)
        return placed(messages) if yes else self._unmarked(profile, messages)

    async def as_before(self, view: View, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """The messages of a request beside the conversation, marked when its last answer's were: so it hits as well."""
        reports = await self.storage.transcript.reports(view.window.chat.id, 1)
        if reports and reports[0].marked:
            return placed(messages)
        return self._unmarked(self.cache(view.model.name), messages)

    def _unmarked(self, profile: CacheProfile, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """Where nothing is found again without markers, the server would pay for one of its own, at the very end."""
        return opened(messages) if profile.exact and self.setting == "auto" else messages

    def _last(self, view: View, reports: Sequence[Report], lifetime_s: float) -> LastRequest | None:
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
