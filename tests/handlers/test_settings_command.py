"""The menu of settings has what a chat can choose."""

from dataclasses import fields, replace

import pytest

from bot.conversation.thresholds import MemoryMode
from bot.handlers.settings_command import SETTINGS, SettingFacts, _menu
from bot.language import speaking, texts
from storage.records import ChatSettings

FACTS = SettingFacts(
    ChatSettings(),
    private=False,
    model="a",
    models=["b"],
    way=MemoryMode.FULL,
    reply_format="auto",
    listens=True,
    speaks=True,
    thinks=True,
    recalls=True,
)


def test_menu_has_each_setting_once() -> None:
    assert sorted(one.field for one in SETTINGS.values()) == sorted(one.name for one in fields(ChatSettings))


@pytest.mark.parametrize("name", SETTINGS)
def test_a_choice_holds_until_taken_back(name: str) -> None:
    setting = SETTINGS[name]
    *options, default = setting.options(FACTS)
    for option in options[:2]:
        chosen = setting.chosen(ChatSettings(), option.value)
        assert chosen != ChatSettings()
        assert setting.now(chosen) == option.value
        assert replace(chosen, **{setting.field: None}) == ChatSettings()
        assert setting.chosen(chosen, default.value) == ChatSettings()


@pytest.mark.parametrize(("language", "colon"), [("en", ": "), ("fr", "\N{NO-BREAK SPACE}: "), ("zh", "：")])
def test_menu_is_punctuated_by_language(language: str, colon: str) -> None:
    with speaking(language):
        assert f"{SETTINGS['model'].label()}{colon}{texts.AS_THE_BOT}" in [button.label for button in _menu(FACTS)]
