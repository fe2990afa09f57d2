"""What a chat can choose in ``/settings``: one entry for each setting."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.conversation import personas
from bot.conversation.marks import Way
from bot.language import LANGUAGES, texts
from storage.records import Choices

DEFAULT, OWN = "default", "own"
"""Values of options: as the bot is set, and a text that the person writes."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides on which settings there are."""

    choices: Choices
    private: bool
    model: str
    """The main one."""
    models: Sequence[str]
    way: Way
    reply_format: str
    listens: bool
    speaks: bool
    thinks: bool
    recalls: bool


@dataclass(frozen=True, slots=True)
class Option:
    """One choice: what stands for it (in a button's data, where it fits), and what it is called."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the menu. `now` is the value that holds, `chosen` makes the choice of one."""

    label: Callable[[], str]
    means: Callable[[], str]
    there: Callable[[Facts], bool]
    options: Callable[[Facts], list[Option]]
    now: Callable[[Choices], str]
    chosen: Callable[[Choices, str], Choices]


def _always(_: Facts) -> bool:
    return True


def _switch(field: str, there: Callable[[Facts], bool], label: Callable[[], str], means: Callable[[], str]) -> Setting:
    """A setting that is on, off, or as the bot is set."""

    def now(choices: Choices) -> str:
        return {None: DEFAULT, True: "on", False: "off"}[getattr(choices, field)]

    def chosen(choices: Choices, value: str) -> Choices:
        wanted = {DEFAULT: None, "on": True, "off": False}[value]
        return replace(choices, **{field: wanted})  # type: ignore[arg-type]  # the field is one of the switches

    return Setting(label, means, there, _on_off, now, chosen)


def _on_off(_: Facts) -> list[Option]:
    return [Option("on", texts.ON), Option("off", texts.OFF), Option(DEFAULT, texts.AS_THE_BOT)]


def _models(facts: Facts) -> list[Option]:
    names = dict.fromkeys((facts.model, *facts.models))
    return [*(Option(name, name) for name in names), Option(DEFAULT, texts.AS_THE_BOT)]


def _ways(facts: Facts) -> list[Option]:
    names = {Way.SUMMARY: texts.WAY_SUMMARY, Way.TRUNCATE: texts.WAY_TRUNCATE, Way.FULL: texts.WAY_FULL}
    default = f"{texts.AS_THE_BOT} ({names[facts.way]})"
    return [*(Option(way.value, name) for way, name in names.items()), Option(DEFAULT, default)]


def _formats(facts: Facts) -> list[Option]:
    names = {"auto": texts.FORMAT_AUTO, "rich": texts.FORMAT_RICH, "text": texts.FORMAT_TEXT}
    default = f"{texts.AS_THE_BOT} ({names[facts.reply_format]})"
    return [*(Option(*one) for one in names.items()), Option(DEFAULT, default)]


def _personas(_: Facts) -> list[Option]:
    names = {
        "brief": texts.PERSONA_BRIEF,
        "teacher": texts.PERSONA_TEACHER,
        "engineer": texts.PERSONA_ENGINEER,
        "translator": texts.PERSONA_TRANSLATOR,
    }
    return [*(Option(*one) for one in names.items()), Option(OWN, texts.PERSONA_OWN), Option(DEFAULT, texts.AS_THE_BOT)]


def _persona_now(choices: Choices) -> str:
    return DEFAULT if choices.persona is None else personas.name_of(choices.persona) or OWN


def _persona_chosen(choices: Choices, value: str) -> Choices:
    return replace(choices, persona=None if value == DEFAULT else personas.persona(value))


def _languages(_: Facts) -> list[Option]:
    return [*(Option(code, name) for code, name in LANGUAGES.items()), Option(DEFAULT, texts.AS_TELEGRAM)]


SETTINGS: Mapping[str, Setting] = {
    "model": Setting(
        lambda: texts.SET_MODEL,
        lambda: texts.SET_MODEL_MEANS,
        lambda facts: bool(set(facts.models) - {facts.model}),
        _models,
        lambda choices: choices.model or DEFAULT,
        lambda choices, value: replace(choices, model=None if value == DEFAULT else value),
    ),
    "persona": Setting(
        lambda: texts.SET_PERSONA,
        lambda: texts.SET_PERSONA_MEANS,
        _always,
        _personas,
        _persona_now,
        _persona_chosen,
    ),
    "way": Setting(
        lambda: texts.SET_WAY,
        lambda: texts.SET_WAY_MEANS,
        _always,
        _ways,
        lambda choices: choices.memory_way or DEFAULT,
        lambda choices, value: replace(choices, memory_way=None if value == DEFAULT else value),
    ),
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
    "format": Setting(
        lambda: texts.SET_FORMAT,
        lambda: texts.SET_FORMAT_MEANS,
        _always,
        _formats,
        lambda choices: choices.reply_format or DEFAULT,
        lambda choices, value: replace(choices, reply_format=None if value == DEFAULT else value),
    ),
    "language": Setting(
        lambda: texts.SET_LANGUAGE,
        lambda: texts.SET_LANGUAGE_MEANS,
        _always,
        _languages,
        lambda choices: choices.language or DEFAULT,
        lambda choices, value: replace(choices, language=None if value == DEFAULT else value),
    ),
}
"""By the name in a button's data, in the order of the menu."""
