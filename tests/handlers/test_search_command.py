"""A message has an address where Telegram gives it one."""

import pytest
from telegram import Chat

from bot.handlers.search_command import excerpt, link

SUPERGROUP = Chat(-1001234567890, Chat.SUPERGROUP, title="Friends")


@pytest.mark.parametrize(
    ("chat", "thread_id", "address"),
    [
        (SUPERGROUP, 0, "https://t.me/c/1234567890/7"),
        (SUPERGROUP, 5, "https://t.me/c/1234567890/5/7"),
        (Chat(-1001234567890, Chat.SUPERGROUP, title="Friends", username="friends"), 0, "https://t.me/friends/7"),
        (Chat(-1001234567890, Chat.SUPERGROUP, title="Friends", username="friends"), 5, "https://t.me/friends/5/7"),
        (Chat(-77, Chat.GROUP, title="Friends"), 0, None),
        (Chat(77, Chat.PRIVATE, first_name="Ann"), 0, None),
        (Chat(77, Chat.PRIVATE, first_name="Ann"), 5, None),
    ],
)
def test_addresses_are_those_of_telegram(chat: Chat, thread_id: int, address: str | None) -> None:
    assert link(chat, 7, thread_id) == address
    assert link(chat, None, thread_id) is None


def test_without_words_the_beginning_is_shown() -> None:
    told = "my sister Zoe is allergic to hazelnuts " * 10
    assert excerpt(told, "").startswith("my sister Zoe")
    assert excerpt("short", "") == "short"
