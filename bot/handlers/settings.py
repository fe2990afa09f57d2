"""``/settings``: what each chat can choose for itself, as buttons under one message.

Every press says which setting and which value it is about, so that a late or repeated one does no harm.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from telegram import Message, Update

from bot.chat_language import chat_language
from bot.conversation.choice import Choice
from bot.conversation.marks import Way
from bot.conversation.tokens import TokenCounter
from bot.handlers.choices import OWN, SETTINGS, Facts, Setting
from bot.handlers.notices import answer, edited, is_private, keyboard
from bot.handlers.pressed import acknowledge, pressed
from bot.handlers.questions import Given, Questions
from bot.intake.arrival import place_of
from bot.language import speaking, texts
from storage import Storage
from storage.questions import QuestionKind
from storage.records import Button, Choices, Notice

SET = "set:"
LONGEST_DATA = 64
SHORT = 20
"""How the data of a button begins; the setting and the value follow, or only the setting, or neither: the menu."""


@dataclass(frozen=True, slots=True)
class SettingsHandlers:
    """Shows and changes a chat's settings.

    `way` and `reply_format` are how the bot is set, `listens` whether it keeps what is said in groups,
    `most_persona` the longest system prompt in tokens, `clock` gives Unix seconds.
    """

    storage: Storage
    questions: Questions
    choice: Choice
    way: Way
    reply_format: str
    listens: bool
    recalls: bool
    most_persona: int
    count_tokens: TokenCounter
    clock: Callable[[], float]

    async def show(self, update: Update, _: object) -> None:
        """``/settings``: one row for each setting, with what holds now."""
        message = update.message
        assert message is not None, "registered for commands"
        chat = await self.storage.chats.find(place_of(message))
        facts = self._facts(message, chat.choices if chat else Choices())
        async with self.storage.transaction() as tx:
            await self.storage.notices.add(tx, answer(message, texts.SETTINGS, _menu(facts), alone=True))
            await self.storage.inbox.done(tx, [update.update_id])

    async def press(self, update: Update, _: object) -> None:
        """Open a setting, or choose; the message shows what holds then."""
        query, message = pressed(update)
        name, _, value = (query.data or "").removeprefix(SET).partition(":")
        word = texts.OLD_BUTTON
        async with self.storage.transaction() as tx:
            if message is not None:
                place = place_of(message)
                chat = await self.storage.chats.ensure(tx, place, private=is_private(message), now=self.clock())
                facts = self._facts(message, chat.choices)
                choices = _chosen(facts, name, value)
                if choices is not None:
                    await self.storage.chats.choose(tx, chat.id, choices)
                    with speaking(chat_language(replace(chat, choices=choices), query.from_user.language_code)):
                        word = texts.SETTING_CHANGED if choices != chat.choices else ""
                        if value == OWN:
                            await self.questions.ask(tx, message, query.from_user, QuestionKind.PERSONA, query.id)
                        elif (notice := _after(message, replace(facts, choices=choices), name)) is not None:
                            await self.storage.notices.add(tx, notice)
            await self.storage.inbox.done(tx, [update.update_id])
        await acknowledge(query, word)

    async def set_persona(self, given: Given) -> None:
        """The system prompt that a person wrote in answer to our question."""
        place, private = given.burst.place, is_private(given.burst.messages[0])
        fits = self.count_tokens(given.words) <= self.most_persona
        async with self.storage.transaction() as tx:
            if fits:
                chat = await self.storage.chats.ensure(tx, place, private=private, now=self.clock())
                await self.storage.chats.choose(tx, chat.id, replace(chat.choices, persona=given.words))
            text = texts.PERSONA_SET if fits else texts.PERSONA_LONG
            await self.questions.took(tx, given, answer(given.burst.messages[0], text), over=fits, awaits=not fits)
            await self.storage.inbox.done(tx, given.burst.update_ids)

    def _facts(self, message: Message, choices: Choices) -> Facts:
        model = self.choice.name(choices)
        return Facts(
            choices=choices,
            private=is_private(message),
            model=self.choice.main,
            models=sorted(self.choice.offered),
            way=self.way,
            reply_format=self.reply_format,
            listens=self.listens,
            speaks=self.choice.models.of(model).senses.speaks,
            thinks=self.choice.models.of(model).senses.thinks,
            recalls=self.recalls,
        )


def _chosen(facts: Facts, name: str, value: str) -> Choices | None:
    """What holds after a press; None when there is no such setting or value any more."""
    if not name:
        return facts.choices
    setting = SETTINGS.get(name)
    if setting is None or not setting.there(facts):
        return None
    if not value or (value == OWN and name == "persona"):
        return facts.choices
    chosen = next((one.value for one in setting.options(facts) if value in (one.value, _short(one.value))), None)
    return None if chosen is None else setting.chosen(facts.choices, chosen)


def _after(message: Message, facts: Facts, name: str) -> Notice | None:
    """What the message shows after a press; None when it shows that already, which Telegram refuses."""
    setting = SETTINGS[name] if name else None
    buttons = _options(facts, name, setting) if setting else _menu(facts)
    if [button.label for button in keyboard(message)] == [button.label for button in buttons]:
        return None
    return edited(message, setting.means() if setting else texts.SETTINGS, buttons)


def _menu(facts: Facts) -> list[Button]:
    return [
        Button(f"{setting.label()}: {_label(facts, setting)}", f"{SET}{name}")
        for name, setting in SETTINGS.items()
        if setting.there(facts)
    ]


def _data(name: str, value: str) -> str:
    """What a button says of a choice; Telegram takes 64 bytes, and some models have longer names."""
    data = f"{SET}{name}:{value}"
    return data if len(data.encode()) <= LONGEST_DATA else f"{SET}{name}:{_short(value)}"


def _short(value: str) -> str:
    return f"#{hashlib.sha256(value.encode()).hexdigest()[:SHORT]}"


def _label(facts: Facts, setting: Setting) -> str:
    now = setting.now(facts.choices)
    return next((option.label for option in setting.options(facts) if option.value == now), now)


def _options(facts: Facts, name: str, setting: Setting) -> list[Button]:
    now = setting.now(facts.choices)
    return [
        *(
            Button(f"{texts.TICK} {one.label}" if one.value == now else one.label, _data(name, one.value))
            for one in setting.options(facts)
        ),
        Button(texts.BACK, SET),
    ]
