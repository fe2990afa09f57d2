"""The messages array alternates, and only ever grows at its end."""

import random

from bot.conversation.prompt import build
from bot.llm.interface import Message
from storage.records import Role, Turn


def _turn(number: int, role: Role, content: str, glue: str = "\n\n") -> Turn:
    return Turn(number, role, content, glue)


def test_the_system_prompt_comes_first_and_turns_follow_in_order() -> None:
    turns = [_turn(1, Role.USER, "hello"), _turn(2, Role.ASSISTANT, "hi"), _turn(3, Role.USER, "bye")]
    assert build("be kind", turns) == (
        Message("system", "be kind"),
        Message("user", "hello"),
        Message("assistant", "hi"),
        Message("user", "bye"),
    )


def test_rows_of_one_speaker_in_a_row_are_one_message_joined_by_their_own_glue() -> None:
    turns = [_turn(1, Role.USER, "a long wo"), _turn(2, Role.USER, "rd", ""), _turn(3, Role.USER, "and more", "\n")]
    assert build("s", turns)[1:] == (Message("user", "a long word\nand more"),)


def test_every_request_continues_the_one_before_it() -> None:
    dice = random.Random(4)
    turns: list[Turn] = []
    previous = build("system", turns)
    for number in range(200):
        turns.append(_turn(number, dice.choice(list(Role)), f"words {number}", dice.choice(["", "\n", "\n\n"])))
        current = build("system", turns)
        last = len(previous) - 1
        assert current[:last] == previous[:last]
        assert current[last].role == previous[last].role
        assert current[last].content.startswith(previous[last].content)
        previous = current
