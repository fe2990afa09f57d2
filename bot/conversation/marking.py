"""Deciding on cache markers from what the chat's last answers were reported to cost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.conversation.markers import LastRequest, Setting, placed, wanted
from bot.conversation.windows import View
from bot.llm.interface import CacheProfile, Message
from storage import Storage
from storage.records import Report


@dataclass(frozen=True, slots=True)
class Marking:
    """Marks requests to one server; `clock` gives Unix seconds."""

    storage: Storage
    setting: Setting
    profile: CacheProfile
    clock: Callable[[], float]

    async def marked(self, view: View, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """The messages, with markers where they pay."""
        reports = await self.storage.transcript.reports(view.window.chat.id, 2)
        last = self._last(view, reports)
        gap = last.age_s if last else None
        tokens = round(view.sizes.total)
        yes = wanted(self.setting, self.profile, gap_s=gap, prompt_tokens=tokens, last=last)
        return placed(messages) if yes else messages

    async def as_before(self, chat_id: int, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """The messages of a request beside the conversation, marked when its last answer's were: so it hits as well."""
        reports = await self.storage.transcript.reports(chat_id, 1)
        return placed(messages) if reports and reports[0].marked else messages

    def _last(self, view: View, reports: Sequence[Report]) -> LastRequest | None:
        if not reports:
            return None
        newest, usage = reports[0], reports[0].usage
        primed = False
        if len(reports) > 1:
            before = reports[1]
            compacted = view.window.memory is not None and view.window.memory.made_at >= before.at
            primed = before.marked and not compacted and newest.at - before.at < self.profile.lifetime_s
        return LastRequest(newest.marked, usage.input, usage.cached, max(0.0, self.clock() - newest.at), primed)
