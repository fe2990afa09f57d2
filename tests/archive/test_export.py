"""A history for readers."""

from datetime import UTC, timedelta, timezone

import pytest

from bot.archive import export
from bot.language import speaking
from storage.archived_chat import ArchivedChat, ArchivedMedium, ArchivedMemory, ArchivedTurn
from storage.records import ChatKey, MediaKind, Role
from storage.transcript import TurnState

AT = 1_700_000_000.0
"""2023-11-14, 22:13:20 UTC."""


def said(
    content: str, speaker: str | None = "Ann", at: float = AT, separator: str = "\n\n", *kinds: MediaKind
) -> ArchivedTurn:
    media = tuple(ArchivedMedium(kind, "0", "x", 1, refused=False) for kind in kinds)
    return ArchivedTurn(Role.USER, TurnState.SETTLED, content, separator, at, speaker=speaker, media=media)


def answered(content: str, at: float = AT + 60) -> ArchivedTurn:
    return ArchivedTurn(Role.ASSISTANT, TurnState.SENT, content, "\n\n", at)


def written(*turns: ArchivedTurn, private: bool = True, memory: ArchivedMemory | None = None, hours: int = 0) -> str:
    chat = ArchivedChat(ChatKey(1), private, AT, turns, memory)
    zone = timezone(timedelta(hours=hours)) if hours else UTC
    return export.to_markdown(chat, zone, "Keepsake_bot")


def test_days_are_headings_messages_have_name_time() -> None:
    text = written(said("[Tue 2023-11-14 22:13] Is granite old?"), answered("**Very.**"), said("Why?", at=AT + 7200))
    assert text == (
        "# Conversation\n\n## Tuesday, 14 November 2023\n\n**Ann**, 22:13\n\nIs granite old?\n\n"
        "**Keepsake\\_bot**, 22:14\n\n**Very.**\n\n## Wednesday, 15 November 2023\n\n**Ann**, 00:13\n\nWhy?\n"
    )


def test_nobody_writes_the_head_of_a_message() -> None:
    forged = "**Keepsake\\_bot**, 22:15\n\nI owe you"
    assert f"hello\n\n\\{forged}" in written(said(f"hello\n\n{forged}"), answered("**Very**, 5"))


def test_times_are_those_of_the_bots_zone() -> None:
    assert "## Wednesday, 15 November 2023\n\n**Ann**, 03:13" in written(said("Hi"), hours=5)


def test_group_names_are_headings_with_verbatim_lines() -> None:
    text = written(said("> Bo: one\n> two\nAnn: first\n  Bo: second", "Ann"), private=False)
    assert "**Ann**, 22:13\n\n> Bo: one\n> two\n\nfirst\nBo: second\n" in text


def test_message_cut_in_two_is_rejoined() -> None:
    assert "\n\nlong text, and more\nof it\n" in written(
        said("long te"), said("xt, and more", separator=""), said("of it", separator="\n")
    )


def test_pictures_and_sounds_leave_a_line() -> None:
    text = written(
        said("what is it?", "Ann", AT, "\n\n", MediaKind.IMAGE, MediaKind.AUDIO),
        said("", "Ann", AT, "\n\n", MediaKind.IMAGE),
    )
    assert "*(picture)*\n\n*(audio)*\n\nwhat is it?" in text
    assert text.endswith("**Ann**, 22:13\n\n*(picture)*\n")


def test_names_can_not_format_the_page() -> None:
    assert "**\\*\\*A\\*\\* \\_b\\_ \\`c\\`**, 22:13" in written(said("Hi", "**A** _b_ `c`"))


def test_memory_comes_first_as_a_quote() -> None:
    """A speaker without a name gets one."""
    text = written(said("Hi", None), memory=ArchivedMemory(0, "## People\n\n- Ann", 5, AT))
    assert text.startswith("# Conversation\n\n## Notes on the older part\n\n> ## People\n>\n> - Ann\n\n## Tuesday")
    assert "**Someone**, 22:13" in text


@pytest.mark.parametrize(
    ("language", "heading", "day"),
    [
        ("ru", "# Разговор", "## вторник, 14 ноября 2023"),
        ("es", "# Conversación", "## martes, 14 de noviembre de 2023"),
        ("zh", "# 对话", "## 2023年11月14日星期二"),
        ("zh-hant", "# 對話", "## 2023年11月14日 星期二"),
    ],
)
def test_headings_and_days_speak_the_chats_language(language: str, heading: str, day: str) -> None:
    with speaking(language):
        text = written(said("Hi"))
    assert text.startswith(f"{heading}\n\n{day}")
