"""What goes wrong with several processes: kills, a deployment, and a server that restarts or can't be reached.

Each round leaves all processes running, and returns what it has measured.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

from sandbox.botapi.wire import Call
from tests.e2e.chaos.asking import Askers, answer_both
from tests.e2e.chaos.checks import Finding, wrong
from tests.e2e.chaos.replicas import Replicas

ACT_EVERY_S = 0.25
KILL_EVERY_S = 5.0
HAND_OVER_S = 30.0
"""How long a chat is waited for that no process takes."""
ASKERS = 10
STARTER = ThreadPoolExecutor(1)
"""The server ends with the thread that has started it, and the event loop's own threads end with the test."""
NOTICED_S = 8.0
"""Within which a server ends a session whose client has vanished from the network, by TCP's keepalives."""
CUT_S = 16.0
TAKEN_S = 12.0
"""Within which other processes have the chats of one that was cut off; two sweeps are added to NOTICED_S."""


async def kills(world: Replicas, seconds: float) -> list[Finding]:
    """One process after the other is killed and started again, while the crowd goes on. One at a time is down."""
    took: list[float] = []
    acting = asyncio.create_task(_act(world, seconds))
    due, turns = time.monotonic(), cycle(world.replicas)
    until = due + seconds
    while due + min(KILL_EVERY_S, seconds / 4) < until:
        due = max(due + min(KILL_EVERY_S, seconds / 4), time.monotonic())
        await asyncio.sleep(due - time.monotonic())
        replica = next(turns)
        before, began = world.claims(replica), time.monotonic()
        await world.kill(replica)
        await replica.start()
        took += await world.hand_over(before, began, HAND_OVER_S)
        await world.ready(replica)  # on a busy machine a start takes longer than KILL_EVERY_S
    await acting
    return [
        Finding(f"chats handed over: {_times(took)}", len(took)),
        wrong("chats that nobody took over", [one for one in took if one >= HAND_OVER_S]),
    ]


async def deployment(world: Replicas, seconds: float) -> list[Finding]:
    """One process after the other is ended by SIGTERM and started again; before that, the same traffic without it."""
    world.models.answer_with(answer_both)
    askers = Askers(world.telegram, ASKERS)
    rows = []
    for restarts in (False, True):
        acting = asyncio.create_task(_act(world, seconds))
        asking = asyncio.create_task(askers.ask(seconds, world.patience))
        turns = cycle(world.replicas)
        while restarts and not asking.done():
            await world.renew(next(turns))
        await asyncio.gather(acting, asking)
        name = f"with {len(world.seen.codes)} restarts" if restarts else "without restarts"
        rows.append(Finding(f"{name}: {asking.result().row()}", len(asking.result().asked)))
    repeated = askers.repeated(world.models)
    return [*rows, wrong("questions begun or answered again", repeated)]


async def server_restarts(world: Replicas, seconds: float) -> list[Finding]:
    """PostgreSQL is restarted in the middle of answers, in order and as if it had crashed."""
    rows = []
    for mode in ("fast", "immediate"):
        acting = asyncio.create_task(_act(world, seconds / 2))
        await asyncio.sleep(seconds / 4)
        began = time.monotonic()
        await asyncio.get_running_loop().run_in_executor(STARTER, world.cluster.restart, mode)
        rows.append(Finding(f"PostgreSQL restarted ({mode}), ms", round(1000 * (time.monotonic() - began))))
        for replica in world.replicas:
            await world.ready(replica)
        rows.append(Finding("all ready again after, ms", round(1000 * (time.monotonic() - began))))
        await acting
    return rows


async def cut_off(world: Replicas, seconds: float) -> list[Finding]:
    """The network between one process and the server is cut: the others have its chats soon, and it sends nothing."""
    acting = asyncio.create_task(_act(world, max(seconds, CUT_S)))
    await asyncio.sleep(2.0)
    cut = world.replicas[-1]
    before, calls = world.claims(cut), len(world.telegram.calls)
    world.link.cut()
    handing = asyncio.create_task(world.hand_over(before, time.monotonic(), HAND_OVER_S))
    await asyncio.sleep(NOTICED_S)
    world.link.drop()
    answer = await cut.ask(world.client, "/readyz")
    await asyncio.sleep(CUT_S - NOTICED_S)
    ready = answer is not None and answer.is_success
    world.link.release()
    took = await handing
    await acting
    await world.ready(cut)
    sent = [call for call in world.telegram.calls[calls:] if _is_conflict(call)]
    return [
        Finding(f"chats handed over: {_times(took)}", len(took), sum(one > TAKEN_S for one in took), took),
        wrong("cut off, and yet ready", [True] * ready),
        wrong("conflicts", sent),
    ]


async def leader_killed(world: Replicas, seconds: float) -> list[Finding]:
    """Without a webhook only the leader polls; it is killed."""
    acting = asyncio.create_task(_act(world, seconds))
    took: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(min(KILL_EVERY_S, seconds / 3))
        if (leader := world.leader()) is None:
            continue
        await world.kill(leader)
        began, polls = time.monotonic(), world.telegram.polls
        await leader.start()
        await world.telegram.changed(lambda: world.telegram.polls > polls, world.patience)  # noqa: B023
        took.append(time.monotonic() - began)
    await acting
    conflicts = [call for call in world.telegram.calls if _is_conflict(call)]
    return [
        Finding(f"leaders replaced: {_times(took)}", len(took)),
        wrong("polls at the same time", conflicts[len(took) :]),  # the next leader's poll ends that of each dead one
    ]


Round = Callable[[Replicas, float], Awaitable[list[Finding]]]
ROUNDS: dict[str, Round] = {
    "kills": kills,
    "a deployment": deployment,
    "restarts of PostgreSQL": server_restarts,
    "a process cut off from PostgreSQL": cut_off,
    "no webhook": leader_killed,
}
POLLING = ("no webhook",)
"""The rounds in which the processes have no webhook."""


async def _act(world: Replicas, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await world.crowd.act(world.random.randrange(3))
        await asyncio.sleep(ACT_EVERY_S)


def _is_conflict(call: Call) -> bool:
    return call.method == "getUpdates" and call.code == 409


def _times(took: Sequence[float]) -> str:
    if not took:
        return "none"
    times = sorted(took)
    points = [times[min(len(times) - 1, int(len(times) * share))] for share in (0.5, 0.95, 1.0)]
    return "p50 {:.2f} s, p95 {:.2f} s, longest {:.2f} s".format(*points)
