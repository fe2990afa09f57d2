"""``/settings``: what each chat can choose for itself, as buttons under one message."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from telegram import Message, Update

from bot.conversation.marks import Way
from bot.handlers.notices import answer, edited, is_private
from bot.handlers.pressed import acknowledge, pressed
from bot.intake.arrival import place_of
from bot.language import texts
from storage import Storage
from storage.records import Button

WAY = "way:"
"""How the data of a button begins that chooses how the chat remembers; the way follows, or nothing: as the bot is."""


@dataclass(frozen=True, slots=True)
class SettingsHandlers:
    """Shows and changes a chat's settings; `way` is how the bot is set, `clock` gives Unix seconds."""

    storage: Storage
    way: Way
    clock: Callable[[], float]

    async def show(self, update: Update, _: object) -> None:
        """``/settings``: the choices, with the one that holds ticked."""
        message = update.message
        assert message is not None
        chat = await self.storage.chats.find(place_of(message))
        chosen = chat.choices.memory_way if chat else None
        async with self.storage.transaction() as tx:
            await self.storage.notices.add(tx, answer(message, self._told(), self._buttons(chosen)))
            await self.storage.inbox.done(tx, [update.update_id])

    async def choose_way(self, update: Update, _: object) -> None:
        """A choice: it holds from the next turn on, and the message shows it."""
        query, message = pressed(update)
        chosen = (query.data or "").removeprefix(WAY) or None
        async with self.storage.transaction() as tx:
            if message is not None:
                chat = await self.storage.chats.ensure(
                    tx, place_of(message), private=is_private(message), now=self.clock()
                )
                await self.storage.chats.choose(tx, chat.id, replace(chat.choices, memory_way=chosen))
                if self._shows_other(message, chosen):
                    notice = edited(message, self._told(), self._buttons(chosen))
                    await self.storage.notices.add(tx, notice)
            await self.storage.inbox.done(tx, [update.update_id])
        await acknowledge(query, texts.SETTING_CHANGED if message else texts.OLD_BUTTON)

    def _told(self) -> str:
        ways = "\n".join(f"{name}: {meaning}" for name, meaning in _ways().values())
        return texts.SETTINGS.format(ways=ways, default=_ways()[self.way][0])

    def _buttons(self, chosen: str | None) -> list[Button]:
        choices = [(name, way.value) for way, (name, _) in _ways().items()]
        return [
            Button(f"{texts.TICK} {name}" if (data or None) == chosen else name, f"{WAY}{data}")
            for name, data in (*choices, (texts.WAY_DEFAULT, ""))
        ]

    def _shows_other(self, message: Message, chosen: str | None) -> bool:
        """Whether the message has to be changed: Telegram refuses a change that is none."""
        keyboard = message.reply_markup.inline_keyboard if message.reply_markup else ()
        return [button.text for row in keyboard for button in row] != [one.label for one in self._buttons(chosen)]


def _ways() -> dict[Way, tuple[str, str]]:
    return {
        Way.SUMMARY: (texts.WAY_SUMMARY, texts.WAY_SUMMARY_MEANS),
        Way.TRUNCATE: (texts.WAY_TRUNCATE, texts.WAY_TRUNCATE_MEANS),
        Way.FULL: (texts.WAY_FULL, texts.WAY_FULL_MEANS),
    }
