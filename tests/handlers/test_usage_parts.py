"""What counted where: models and their roles, and chats beyond the tenth in one line."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from bot.conversation.budget import ModelRole
from bot.handlers.usage_parts import MOST_CHATS, UsageParts
from bot.language import LANGUAGES, speaking
from storage import Storage
from storage.records import Chat, ChatKey, Usage

FIRST, DAY, LAST = date(2026, 11, 1), date(2026, 11, 20), date(2026, 11, 30)
TALK = SimpleNamespace(user=SimpleNamespace(id=7), message=SimpleNamespace(chat=SimpleNamespace(type="private")))


class Stubs:
    """Stands for the budget, the owners and the list of people."""

    literals = ("Ann",)

    def money(self, used: object) -> None:
        return None

    async def has(self, user: int) -> bool:
        return user == 7

    async def read(self) -> "Stubs":
        return self

    def called(self, number: int) -> str:
        return f"chat {number}"


def _parts(storage: Storage) -> UsageParts:
    stubs: Any = Stubs()
    return UsageParts(storage.usage, stubs, stubs, stubs, {"ears": ModelRole.VOICE, "vectors": ModelRole.MEANING})


@pytest.fixture
async def chat(storage: Storage) -> Chat:
    async with storage.transaction() as tx:
        return await storage.chats.ensure(tx, ChatKey(7), private=True, now=0.0)


async def _use(storage: Storage, chat: Chat, model: str, turns: int, usage: Usage, day: date = DAY) -> None:
    async with storage.transaction() as tx:
        await storage.usage.record(tx, chat.id, day, model, usage, turns=turns)


async def test_each_model_has_its_role(storage: Storage, chat: Chat) -> None:
    parts = _parts(storage)
    await _use(storage, chat, "big", 1, Usage(1000, 0, 20))
    assert await parts.of_chat(chat.id, FIRST, LAST) == []
    await _use(storage, chat, "big", 0, Usage(500, 0, 5))
    await _use(storage, chat, "ears", 0, Usage(300, 0, 30))
    await _use(storage, chat, "vectors", 0, Usage(40, 0, 0))
    await _use(storage, chat, "big", 1, Usage(9, 0, 9), date(2026, 10, 31))
    assert await parts.of_chat(chat.id, FIRST, LAST) == [
        "What counted this month:",
        "• big · answers: 1 · for memory, titles, tools: 1 · 1,500 tokens in, 25 out",
        "• ears · voice messages · 300 tokens in, 30 out",
        "• vectors · search by meaning · 40 tokens in, 0 out",
    ]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
async def test_the_lines_are_in_each_language(language: str, storage: Storage, chat: Chat) -> None:
    for model, turns in (("big", 1), ("big", 0), ("ears", 0), ("vectors", 0)):
        await _use(storage, chat, model, turns, Usage(1, 0, 1))
    with speaking(language):
        lines = await _parts(storage).of_chat(chat.id, FIRST, LAST)
    assert len(lines) == 4
    assert language == "en" or "answers" not in "".join(lines)


async def test_the_smallest_chats_share_a_line(storage: Storage) -> None:
    for number in range(1, MOST_CHATS + 4):
        async with storage.transaction() as tx:
            chat = await storage.chats.ensure(tx, ChatKey(number), private=True, now=0.0)
        await _use(storage, chat, "big", 1, Usage(number * 100, 0, 1))
    update: Any = TALK
    lines, names = await _parts(storage).of_all(update, FIRST, LAST)
    assert lines[:2] == ["All chats this month:", "• chat 13 · 1,300 tokens in, 1 out"]
    assert lines[-2:] == ["• chat 4 · 400 tokens in, 1 out", "• … (3) · 600 tokens in, 3 out"]
    assert list(names) == ["Ann"]
    stranger: Any = SimpleNamespace(user=SimpleNamespace(id=8), message=TALK.message)
    assert await _parts(storage).of_all(stranger, FIRST, LAST) == ([], ())
