"""Who may do what; who asks too often waits for less than a minute, and is told once in it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest
from telegram import Bot, CallbackQuery, Chat, Message, Update, User

from bot.access.policy import AccessRules, Owners
from bot.handlers.context import MessageContext, PressContext, UpdateProgress, context_of
from bot.handlers.guards import MOST_GROUP_COMMANDS, MOST_PRESSES, AdminGuard, Guards, OwnersOnly, Pace
from bot.handlers.rate_limits import AnswerLimiter, RateLimiter
from bot.language import texts
from storage import Storage

ANN, BOB = 7, 8
AT = datetime.fromtimestamp(1000, UTC)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def pace(most: int | None, clock: Clock) -> RateLimiter:
    return RateLimiter(most, clock)


def message() -> Message:
    chat = SimpleNamespace(id=ANN, type="private", is_forum=None)
    found = SimpleNamespace(
        chat=chat, message_id=1, is_topic_message=None, message_thread_id=None, direct_messages_topic=None
    )
    return cast("Message", found)


def test_without_a_limit_nothing_is_counted() -> None:
    free = pace(None, Clock())
    assert all(free.admits(ANN) for _ in range(1000))
    assert free._recent == {}


def test_the_limit_is_each_persons_own_and_slides() -> None:
    clock = Clock()
    two = pace(2, clock)
    assert [two.admits(ANN), two.admits(ANN), two.admits(ANN), two.admits(BOB)] == [True, True, False, True]
    clock.now += 59.9
    assert not two.admits(ANN)
    clock.now += 0.1
    assert two.admits(ANN)


async def test_rate_limited_user_hears_wait_once_a_minute() -> None:
    clock = Clock()
    one = AnswerLimiter(1, clock)
    await one.admits(ANN)
    clock.now += 20
    assert not await one.admits(ANN)
    told = await one.refusal(message(), ANN)
    assert told is not None
    assert "40 seconds" in told.text
    assert await one.refusal(message(), ANN) is None


async def test_processes_count_answers_together(postgres_url: str) -> None:
    storages = [await Storage.connect(postgres_url) for _ in range(2)]
    one, other = (AnswerLimiter(3, Clock(), storage.rates) for storage in storages)
    admitted = await asyncio.gather(*(limiter.admits(ANN) for limiter in (one, other) for _ in range(4)))
    assert sum(admitted) == 3
    assert await other.admits(BOB)
    told = [await limiter.refusal(message(), ANN) for limiter in (one, other)]
    assert [notice is not None for notice in told] == [True, False]
    assert "seconds" in await other.wait(ANN)
    await storages[0].database.rows(
        "UPDATE recent_answers SET answered_at = ARRAY(SELECT at - 60 FROM unnest(answered_at) AS at),"
        " notified_at = notified_at - 60 WHERE user_id = ? RETURNING 1",
        (ANN,),
    )
    assert await other.admits(ANN)
    rates = storages[0].rates
    assert rates is not None
    await rates.prune()
    rows = await storages[0].database.rows("SELECT user_id FROM recent_answers")
    assert {row["user_id"] for row in rows} == {ANN, BOB}
    for storage in storages:
        await storage.close()


def test_who_was_quiet_for_a_minute_is_forgotten() -> None:
    clock = Clock()
    one = pace(1, clock)
    for user in range(1, 100):
        one.admits(user)
    clock.now += 61
    one.admits(ANN)
    assert set(one._recent) == {ANN}


RULES = {
    # who, where: whether a command for administrators, one for owners in private, one for owners as a reply, is theirs
    ("owner", "home"): (True, True, True),
    ("member", "home"): (True, False, False),
    ("owner", "group"): (False, False, True),
    ("member", "group"): (False, False, False),
    ("admin", "group"): (True, False, False),
    ("anonymous", "group"): (True, False, False),
}
PEOPLE = {"owner": 1, "member": 2, "admin": 3, "anonymous": 4}


class Telegram:
    """Says who is an administrator."""

    async def get_chat_member(self, _: int, user_id: int) -> SimpleNamespace:
        return SimpleNamespace(status="administrator" if user_id == PEOPLE["admin"] else "member")

    async def answer_callback_query(self, *_: object, **__: object) -> bool:
        self.acknowledged += 1
        return True

    def __init__(self) -> None:
        self.acknowledged = 0


async def _press(storage: Storage, telegram: Telegram, group: int = -5) -> PressContext:
    user, chat = User(PEOPLE["member"], "member", is_bot=False), Chat(group, Chat.SUPERGROUP)
    query = CallbackQuery("1", user, "c", message=Message(6, AT, chat), data="old")
    query.set_bot(cast("Bot", telegram))
    update = await context_of(Update(1, callback_query=query), UpdateProgress(storage))
    assert isinstance(update, PressContext)
    return update


async def _command(storage: Storage, who: str, where: str, group_id: int = -5) -> MessageContext:
    user = User(PEOPLE[who], who, is_bot=False)
    group = Chat(group_id, Chat.SUPERGROUP)
    chat = Chat(user.id, Chat.PRIVATE) if where == "home" else group
    target = Message(6, AT, chat, from_user=User(9, "Cleo", is_bot=False))
    said = Message(
        7,
        AT,
        chat,
        from_user=user,
        text="/allow",
        sender_chat=group if who == "anonymous" else None,
        reply_to_message=target,
    )
    update = await context_of(Update(1, message=said), UpdateProgress(storage))
    assert isinstance(update, MessageContext)
    return update


def _guards(storage: Storage, rules: AccessRules, most: int | None) -> Guards:
    admins = AdminGuard(cast("Bot", Telegram()), Clock())
    return Guards(admins, AnswerLimiter(most, Clock()), Owners(storage.access, rules), Pace(Clock()))


@pytest.mark.parametrize(("who", "where"), RULES)
async def test_guards_admit_by_the_rules(storage: Storage, who: str, where: str) -> None:
    rules = AccessRules("open", frozenset({PEOPLE["owner"]}), frozenset())
    guards = _guards(storage, rules, None)
    update = await _command(storage, who, where)
    told = (
        await guards.admits(update, admins=True, limited=False),
        await guards.is_owners(update, OwnersOnly.IN_PRIVATE),
        await guards.is_owners(update, OwnersOnly.AND_AS_REPLY),
    )
    assert told == RULES[who, where]
    refused = [notice.text for _, notice in await storage.outbox.notices(update.key)]
    assert len(refused) == (0 if told[0] else 1)
    assert update.progress.unfinished([1]) == ([1] if told[0] else [])


async def test_who_is_refused_is_finished(storage: Storage) -> None:
    rules = AccessRules("open", frozenset(), frozenset())
    guards = _guards(storage, rules, 1)
    first, second = [await _command(storage, "member", "home") for _ in range(2)]
    assert await guards.admits(first, admins=False, limited=True)
    assert not await guards.admits(second, admins=False, limited=True)
    assert (first.progress.unfinished([1]), second.progress.unfinished([1])) == ([1], [])
    assert await guards.admits(second, admins=False, limited=False), "what costs nothing is not counted"


async def test_too_many_commands_are_dropped_and_reported_once(storage: Storage) -> None:
    guards = _guards(storage, AccessRules("open", frozenset(), frozenset()), None)
    commands = [await _command(storage, "member", "group") for _ in range(MOST_GROUP_COMMANDS + 5)]
    admitted = [await guards.paces(command) for command in commands]
    assert admitted == [True] * MOST_GROUP_COMMANDS + [False] * 5
    assert [notice.text for _, notice in await storage.outbox.notices(commands[0].key)] == [texts.TOO_MANY_WAITING]
    assert [command.progress.unfinished([1]) for command in commands[-2:]] == [[], []]


async def test_owner_is_paced_in_groups_without_replying(storage: Storage) -> None:
    guards = _guards(storage, AccessRules("open", frozenset({PEOPLE["owner"]}), frozenset()), None)
    here, there = await _command(storage, "owner", "home"), await _command(storage, "owner", "group")
    assert all([await guards.paces(here) for _ in range(100)])
    assert all([await guards.paces(there) for _ in range(100)])
    there = replace(there, message=Message(8, AT, Chat(-5, Chat.SUPERGROUP), from_user=there.user, text="/help"))
    assert not all([await guards.paces(there) for _ in range(100)])


async def test_commands_are_counted_per_person_and_chat(storage: Storage) -> None:
    guards = _guards(storage, AccessRules("open", frozenset(), frozenset()), None)
    for _ in range(MOST_GROUP_COMMANDS + 1):
        await guards.paces(here := await _command(storage, "member", "group"))
    assert not await guards.paces(here)
    assert await guards.paces(await _command(storage, "admin", "group"))
    assert await guards.paces(await _command(storage, "member", "group", -6))


async def test_stops_are_counted_apart_in_groups(storage: Storage) -> None:
    guards = _guards(storage, AccessRules("open", frozenset(), frozenset()), None)
    here, home = await _command(storage, "member", "group"), await _command(storage, "member", "home")
    admitted = [await guards.paces(here, stops=True) for _ in range(MOST_GROUP_COMMANDS + 5)]
    assert sum(admitted) == MOST_GROUP_COMMANDS
    assert await guards.paces(here)
    assert all([await guards.paces(home, stops=True) for _ in range(100)])
    assert await storage.outbox.notices(here.key) == []


async def test_too_many_presses_are_acknowledged_once(storage: Storage) -> None:
    guards, telegram = _guards(storage, AccessRules("open", frozenset(), frozenset()), None), Telegram()
    presses = [await _press(storage, telegram) for _ in range(MOST_PRESSES + 5)]
    assert sum([await guards.paces_press(press) for press in presses]) == MOST_PRESSES
    assert telegram.acknowledged == 1
    assert presses[-1].progress.unfinished([1]) == []
    assert await guards.paces_press(await _press(storage, telegram, -6))
