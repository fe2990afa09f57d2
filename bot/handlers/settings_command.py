"""``/settings``: what each chat can choose for itself, as buttons under one message.

Each button's data has the setting and the value, so that a late or repeated press does no harm.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from telegram import Message

from bot.conversation import prompt
from bot.conversation.model_selector import ModelSelector
from bot.conversation.thresholds import MemoryMode
from bot.conversation.tokens import TokenCounter
from bot.handlers.callbacks import SettingButton
from bot.handlers.context import ButtonContext, MessageContext
from bot.handlers.notices import edited, is_private, keyboard
from bot.handlers.pending_questions import GivenAnswer, QuestionHandlers
from bot.language import LANGUAGES, chat_language, speaking, texts
from storage.chats import Chats
from storage.questions import QuestionKind
from storage.records import Button, ChatSettings, Notice

DEFAULT, OWN = "default", "own"
"""Values of options: the bot's default, and a text that the person writes."""


@dataclass(frozen=True, slots=True)
class SettingFacts:
    """What determines which settings a chat has."""

    settings: ChatSettings
    private: bool
    model: str
    """The main model."""
    models: Sequence[str]
    way: MemoryMode
    reply_format: str
    listens: bool
    speaks: bool
    thinks: bool
    recalls: bool


@dataclass(frozen=True, slots=True)
class Option:
    """A choice: its value (in the button's data, if it fits), and its label."""

    value: str
    label: str
    chosen: str | None = None
    """What the menu calls it once it is chosen, if not by its label."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the menu, for a field of ``ChatSettings``.

    `now` returns the current value, `wanted` the field's content for a chosen value.
    """

    field: str
    label: Callable[[], str]
    means: Callable[[], str]
    exists: Callable[[SettingFacts], bool]
    options: Callable[[SettingFacts], list[Option]]
    now: Callable[[ChatSettings], str]
    wanted: Callable[[str], object]

    def chosen(self, settings: ChatSettings, value: str) -> ChatSettings:
        """The settings after a value was chosen."""
        return replace(settings, **{self.field: self.wanted(value)})  # type: ignore[arg-type]


def _always(_: SettingFacts) -> bool:
    return True


def _switch(
    field: str, exists: Callable[[SettingFacts], bool], label: Callable[[], str], means: Callable[[], str]
) -> Setting:
    """A setting that is on, off, or the bot's default."""

    def now(settings: ChatSettings) -> str:
        return {None: DEFAULT, True: "on", False: "off"}[getattr(settings, field)]

    return Setting(field, label, means, exists, _on_off, now, {DEFAULT: None, "on": True, "off": False}.__getitem__)


def _one_of(
    field: str,
    options: Callable[[SettingFacts], list[Option]],
    label: Callable[[], str],
    means: Callable[[], str],
    exists: Callable[[SettingFacts], bool] = _always,
) -> Setting:
    """A setting that is one of several values, or the bot's default."""

    def now(settings: ChatSettings) -> str:
        return getattr(settings, field) or DEFAULT

    return Setting(field, label, means, exists, options, now, lambda value: None if value == DEFAULT else value)


def _on_off(_: SettingFacts) -> list[Option]:
    return [Option("on", texts.ON), Option("off", texts.OFF), Option(DEFAULT, texts.AS_THE_BOT)]


def _models(facts: SettingFacts) -> list[Option]:
    names = dict.fromkeys((facts.model, *facts.models))
    return [*(Option(name, name) for name in names), Option(DEFAULT, texts.AS_THE_BOT)]


def _ways(facts: SettingFacts) -> list[Option]:
    names = {
        MemoryMode.SUMMARY: texts.WAY_SUMMARY,
        MemoryMode.TRUNCATE: texts.WAY_TRUNCATE,
        MemoryMode.FULL: texts.WAY_FULL,
    }
    default = f"{texts.AS_THE_BOT} ({names[facts.way]})"
    return [*(Option(way.value, name) for way, name in names.items()), Option(DEFAULT, default)]


def _formats(facts: SettingFacts) -> list[Option]:
    names = {"auto": texts.FORMAT_AUTO, "rich": texts.FORMAT_RICH, "text": texts.FORMAT_TEXT}
    default = f"{texts.AS_THE_BOT} ({names[facts.reply_format]})"
    return [*(Option(*item) for item in names.items()), Option(DEFAULT, default)]


def _personas(_: SettingFacts) -> list[Option]:
    names = {
        "brief": texts.PERSONA_BRIEF,
        "teacher": texts.PERSONA_TEACHER,
        "engineer": texts.PERSONA_ENGINEER,
        "translator": texts.PERSONA_TRANSLATOR,
    }
    named = (Option(*item) for item in names.items())
    return [*named, Option(OWN, texts.PERSONA_OWN, texts.PERSONA_CUSTOM), Option(DEFAULT, texts.AS_THE_BOT)]


def _persona_now(settings: ChatSettings) -> str:
    return DEFAULT if settings.persona is None else prompt.persona_name(settings.persona) or OWN


def _persona_wanted(value: str) -> str | None:
    return None if value == DEFAULT else prompt.persona(value)


def _languages(_: SettingFacts) -> list[Option]:
    return [*(Option(code, name) for code, name in LANGUAGES.items()), Option(DEFAULT, texts.AS_TELEGRAM)]


SETTINGS: Mapping[str, Setting] = {
    "model": _one_of(
        "model",
        _models,
        lambda: texts.SET_MODEL,
        lambda: texts.SET_MODEL_MEANS,
        lambda facts: bool(set(facts.models) - {facts.model}),
    ),
    "persona": Setting(
        "persona",
        lambda: texts.SET_PERSONA,
        lambda: texts.SET_PERSONA_MEANS,
        _always,
        _personas,
        _persona_now,
        _persona_wanted,
    ),
    "way": _one_of("memory_way", _ways, lambda: texts.SET_WAY, lambda: texts.SET_WAY_MEANS),
    "recall": _switch("recall", lambda facts: facts.recalls, lambda: texts.SET_RECALL, lambda: texts.SET_RECALL_MEANS),
    "thinking": _switch(
        "thinking", lambda facts: facts.thinks, lambda: texts.SET_THINKING, lambda: texts.SET_THINKING_MEANS
    ),
    "show": _switch("show_thinking", _always, lambda: texts.SET_SHOW, lambda: texts.SET_SHOW_MEANS),
    "listen": _switch(
        "listen",
        lambda facts: facts.listens and not facts.private,
        lambda: texts.SET_LISTEN,
        lambda: texts.SET_LISTEN_MEANS,
    ),
    "voice": _switch("voice", lambda facts: facts.speaks, lambda: texts.SET_VOICE, lambda: texts.SET_VOICE_MEANS),
    "format": _one_of("reply_format", _formats, lambda: texts.SET_FORMAT, lambda: texts.SET_FORMAT_MEANS),
    "language": _one_of("language", _languages, lambda: texts.SET_LANGUAGE, lambda: texts.SET_LANGUAGE_MEANS),
}
"""By their names in the buttons' data, in the order of the menu."""


class SettingsHandlers:
    """Shows and changes a chat's settings.

    `way` and `reply_format` are the bot's defaults, `listens` is whether it records unaddressed messages in groups,
    `most_persona` is the longest system prompt in tokens, `clock` gives Unix seconds.
    """

    def __init__(
        self,
        chats: Chats,
        questions: QuestionHandlers,
        selector: ModelSelector,
        way: MemoryMode,
        reply_format: str,
        listens: bool,
        recalls: bool,
        most_persona: int,
        count_tokens: TokenCounter,
        clock: Callable[[], float],
    ) -> None:
        self._chats = chats
        self._questions = questions
        self._selector = selector
        self._way = way
        self._reply_format = reply_format
        self._listens = listens
        self._recalls = recalls
        self._most_persona = most_persona
        self._count_tokens = count_tokens
        self._clock = clock

    async def show(self, update: MessageContext) -> None:
        """``/settings``: one row for each setting, with its current value."""
        facts = self._facts(update.message, update.chat.settings if update.chat else ChatSettings())
        await update.say(update.notice(texts.SETTINGS, _menu(facts), alone=True))

    async def press(self, update: ButtonContext, button: SettingButton) -> None:
        """Open a setting, or choose a value; the message then shows the new state."""
        query, message, word = update.query, update.message, texts.OLD_BUTTON
        async with update.finish() as tx:
            chat = await self._chats.ensure(tx, update.key, private=is_private(message), now=self._clock())
            facts = self._facts(message, chat.settings)
            settings = _chosen(facts, button)
            if settings is not None:
                await self._chats.choose(tx, chat.id, settings)
                with speaking(chat_language(replace(chat, settings=settings), update.language_code)):
                    word = texts.SETTING_CHANGED if settings != chat.settings else ""
                    if button.value == OWN:
                        await self._questions.ask(tx, message, query.from_user, QuestionKind.PERSONA, query.id)
                    else:
                        await update.send(tx, _after(message, replace(facts, settings=settings), button.name))
        await update.acknowledge(word)

    async def set_persona(self, update: MessageContext, given: GivenAnswer) -> None:
        """Use the system prompt that a person wrote in answer to the question."""
        fits = self._count_tokens(given.words) <= self._most_persona
        async with update.finish() as tx:
            if fits:
                private = is_private(update.message)
                chat = await self._chats.ensure(tx, update.key, private=private, now=self._clock())
                await self._chats.choose(tx, chat.id, replace(chat.settings, persona=given.words))
            notice = update.notice(texts.PERSONA_SET if fits else texts.PERSONA_LONG)
            await self._questions.answered(tx, given, notice, over=fits, awaits=not fits)

    def _facts(self, message: Message, settings: ChatSettings) -> SettingFacts:
        capabilities = self._selector.named(self._selector.name(settings)).capabilities
        return SettingFacts(
            settings=settings,
            private=is_private(message),
            model=self._selector.main,
            models=sorted(self._selector.offered),
            way=self._way,
            reply_format=self._reply_format,
            listens=self._listens,
            speaks=capabilities.speaks,
            thinks=capabilities.thinks,
            recalls=self._recalls,
        )


def _chosen(facts: SettingFacts, button: SettingButton) -> ChatSettings | None:
    """The settings after a press; None if the setting or value no longer exists."""
    if not button.name:
        return facts.settings
    setting = SETTINGS.get(button.name)
    if setting is None or not setting.exists(facts):
        return None
    if not button.value or (button.value == OWN and button.name == "persona"):
        return facts.settings
    chosen = next((option.value for option in setting.options(facts) if button.means(option.value)), None)
    return None if chosen is None else setting.chosen(facts.settings, chosen)


def _after(message: Message, facts: SettingFacts, name: str) -> Notice | None:
    """The edit of the message after a press; None if it would change nothing, which Telegram refuses."""
    setting = SETTINGS[name] if name else None
    buttons = _options(facts, name, setting) if setting else _menu(facts)
    if [button.label for button in keyboard(message)] == [button.label for button in buttons]:
        return None
    return edited(message, setting.means() if setting else texts.SETTINGS, buttons)


def _menu(facts: SettingFacts) -> list[Button]:
    return [
        Button(
            texts.SETTING_BUTTON.format(label=setting.label(), value=_label(facts, setting)), SettingButton(name).pack()
        )
        for name, setting in SETTINGS.items()
        if setting.exists(facts)
    ]


def _label(facts: SettingFacts, setting: Setting) -> str:
    now = setting.now(facts.settings)
    return next((option.chosen or option.label for option in setting.options(facts) if option.value == now), now)


def _options(facts: SettingFacts, name: str, setting: Setting) -> list[Button]:
    now = setting.now(facts.settings)
    return [
        *(
            Button(
                f"{texts.TICK} {option.label}" if option.value == now else option.label,
                SettingButton(name, option.value).pack(),
            )
            for option in setting.options(facts)
        ),
        Button(texts.BACK, SettingButton().pack()),
    ]
