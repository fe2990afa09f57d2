"""To whom a question is put."""

import pytest
from telegram import Chat, Message, User

from bot.handlers.notices import question

ANN, BOB, BOT = User(5, "Ann", is_bot=False), User(6, "Bob", is_bot=False), User(99, "Keepsake", is_bot=True)
GROUP = Chat(-5, Chat.SUPERGROUP)


def _menu(answers: Message | None) -> Message:
    return Message(8, None, GROUP, from_user=BOT, reply_to_message=answers)  # type: ignore[arg-type]  # no date


@pytest.mark.parametrize(
    ("asks", "target"), [(ANN, 7), (BOB, 8), (None, 8)], ids=["own command", "another's command", "no command"]
)
def test_question_in_group_replies_to_the_presser(asks: User | None, target: int) -> None:
    """Telegram opens the reply box for the person whose command is replied to."""
    command = Message(7, None, GROUP, from_user=asks) if asks else None  # type: ignore[arg-type]  # no date
    asked = question(_menu(command), "What should I change?", ANN)
    assert (asked.reply_to, asked.asks) == (target, True)
