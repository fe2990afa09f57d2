"""Requests wait for their turn at a server: fairly, by rank, and no longer than it makes sense."""

import asyncio

import pytest

from bot.errors import ModelError, RateLimited, ServerTrouble, WrongKey
from bot.llm.request_queue import QueueTicket, Rank, RequestQueue, in_turn

ANSWER = Rank.ANSWER
AT_ONCE = RateLimited("too many concurrent requests (status 429)")
BARE = RateLimited("Too Many Requests (status 429)")
BY_THE_MINUTE = RateLimited("Rate limit reached on tokens per min (TPM) (status 429)")


def _busy(error: ModelError, header: str) -> ModelError:
    busy = type(error)(*error.args)
    busy.retry_after = header
    return busy


def _order(gate: RequestQueue, waiting: list[QueueTicket]) -> list[QueueTicket]:
    """The turns of a gate for one, as they come."""
    came: list[QueueTicket] = []
    while len(came) < len(waiting):
        (now,) = (turn for turn in waiting if turn.is_on and turn not in came)
        came.append(now)
        now.leave()
    return came


async def test_no_more_are_sent_than_the_operator_says() -> None:
    gate = RequestQueue("a server", 2)
    turns = [gate.turn(ANSWER, chat) for chat in range(4)]
    assert [turn.is_on for turn in turns] == [True, True, False, False]
    turns[0].answered()
    assert not turns[2].is_on
    turns[0].leave()
    turns[0].leave()
    assert [turn.is_on for turn in turns[2:]] == [True, False]


async def test_a_chat_with_many_requests_starves_no_other() -> None:
    gate = RequestQueue("a server", 1)
    first = gate.turn(ANSWER, 1)
    many = [gate.turn(ANSWER, 1) for _ in range(9)]
    few = [gate.turn(ANSWER, chat) for chat in (2, 3)]
    first.leave()
    came = _order(gate, many + few)
    assert max(came.index(turn) for turn in few) <= 2


async def test_who_waits_goes_before_what_nobody_waits_for() -> None:
    gate = RequestQueue("a server", 1)
    first = gate.turn(Rank.BACKGROUND)
    background, answer, goes_on = gate.turn(Rank.BACKGROUND), gate.turn(ANSWER, 1), gate.turn(Rank.GOES_ON, 2)
    first.leave()
    assert _order(gate, [background, answer, goes_on]) == [goes_on, answer, background]


async def test_who_leaves_the_queue_takes_no_place() -> None:
    gate = RequestQueue("a server", 1)
    first, second, third = (gate.turn(ANSWER, chat) for chat in range(3))
    waiting = asyncio.create_task(second.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    second.leave()
    first.leave()
    assert third.is_on
    assert not second.is_on


async def test_long_wait_at_gate_reports_busy_server() -> None:
    gate = RequestQueue("a server", 1, patience=0.01)
    gate.turn(ANSWER, 1)
    with pytest.raises(RateLimited) as caught:
        await gate.turn(ANSWER, 2).wait()
    assert not caught.value.sent


@pytest.mark.parametrize("refusal", [AT_ONCE, BARE, ServerTrouble("server busy (status 503)")])
async def test_refusals_of_too_many_teach_how_many(refusal: ModelError) -> None:
    if isinstance(refusal, ServerTrouble):
        refusal.status = 503
    gate = RequestQueue("a server")
    turns = [gate.turn(ANSWER, chat) for chat in range(10)]
    assert all(turn.is_on for turn in turns)
    for turn in turns[3:]:
        assert await turn.again(refusal, 4)
    assert gate.limit == 3
    assert not any(turn.is_on for turn in turns[3:])
    turns[0].answered()
    turns[0].leave()
    assert [turn.is_on for turn in turns[3:]] == [True] + [False] * 6  # who was refused first has kept its place


async def test_answers_bring_the_limit_up_again() -> None:
    gate = RequestQueue("a server", 3)
    turns = [gate.turn(ANSWER, chat) for chat in range(3)]
    for turn in turns[1:]:
        await turn.again(AT_ONCE, 4)
    assert gate.limit == 1
    turns[0].answered()
    assert gate.limit == 2
    for turn in turns:
        turn.answered()
        turn.leave()
    for _ in range(20):
        more = [gate.turn(ANSWER, chat) for chat in range(9)]
        for turn in more:
            turn.answered()
            turn.leave()
    assert gate.limit == 3


async def test_rate_limit_closes_gate_for_all() -> None:
    gate = RequestQueue("a server")
    refused, other = gate.turn(ANSWER, 1), gate.turn(ANSWER, 2)
    assert await refused.again(_busy(BY_THE_MINUTE, "0.02"), 4)
    assert gate.limit == float("inf")
    later = gate.turn(ANSWER, 3)
    other.leave()
    assert not later.is_on
    await refused.wait()
    assert not later.is_on  # one tells first whether it was long enough
    refused.answered()
    assert later.is_on


async def test_too_long_retry_delay_counts_as_refusal() -> None:
    gate = RequestQueue("a server")
    turn = gate.turn(ANSWER, 1)
    assert not await turn.again(_busy(BARE, "300"), 4)
    turn.leave()
    assert gate.turn(ANSWER, 2).is_on


async def test_server_refusing_everything_is_eventually_given_up() -> None:
    gate, asked = RequestQueue("a server"), 0

    async def once() -> None:
        nonlocal asked
        asked += 1
        raise _busy(BARE, "0.001")

    with pytest.raises(RateLimited):
        await in_turn(once, gate, ANSWER, 1, 4)
    assert asked == 5
    with pytest.raises(RateLimited):
        await in_turn(once, gate, ANSWER, 2, 4)
    assert asked == 6  # the next one need not find it out anew


async def test_every_failure_gives_the_place_back() -> None:
    gate = RequestQueue("a server", 1)

    async def fails() -> None:
        raise WrongKey("no")

    async def hangs() -> None:
        await asyncio.Event().wait()

    with pytest.raises(WrongKey):
        await in_turn(fails, gate, ANSWER, 1, 4)
    hanging = asyncio.create_task(in_turn(hangs, gate, ANSWER, 1, 4))
    await asyncio.sleep(0)
    hanging.cancel()
    await asyncio.wait([hanging])
    assert gate.turn(ANSWER, 2).is_on
