"""``make chaos``: the long form, with the bot as a process started from nothing.

``--kills 0`` leaves out the kills, ``--seconds 0`` the other rounds. The same seed makes the same chats do the same;
the moments of the kills depend on the machine, too.

``--replicas 3`` has its own rounds: so many processes on a PostgreSQL server that is started for them. ``--round``
takes only those whose names contain a word.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.e2e.chaos import replica_rounds
from tests.e2e.chaos.checks import findings_of_one, table
from tests.e2e.chaos.one_process import OneProcess, open_world, start_unprivileged
from tests.e2e.chaos.replicas import open_replicas
from tests.e2e.chaos.rounds import ROUNDS, kills
from tests.e2e.programs import start
from tests.postgres_cluster import own_cluster

LIFE_S = 4.0
"""The longest life of a bot that is killed, from when it asks for updates."""
PATIENCE_S = 300.0
"""A group gets at most 20 messages a minute, so the last answers take a while."""


async def main(count: int, seconds: float, seed: int, folder: Path) -> int:
    """Run all rounds; returns the exit code."""
    folders = [folder / name for name in ("kills", "rounds")]
    for each in folders:
        each.mkdir()
    good = True
    async with open_world(folders[0], start, seed, PATIENCE_S) as world:
        await kills(world, count, LIFE_S)
        good = await _checked(world, f"{count} kills, seed {seed}")
    if not seconds:
        return int(not good)
    async with open_world(folders[1], start_unprivileged, seed, PATIENCE_S) as world:
        await world.bot.start()
        await world.crowd.act(len(world.crowd.places))
        await world.until_quiet()
        for name, play in ROUNDS.items():
            await play(world, seconds)
            good = await _checked(world, f"{name} for {seconds:.0f} s") and good
    return int(not good)


async def with_replicas(count: int, seconds: float, seed: int, folder: Path, only: str) -> int:
    """Run the rounds of several processes; returns the exit code."""
    good = True
    with own_cluster() as cluster:
        for name, play in replica_rounds.ROUNDS.items():
            if only not in name:
                continue
            where = folder / name.replace(" ", "-")
            where.mkdir()
            polls = name in replica_rounds.POLLING
            async with open_replicas(
                cluster, where, start, count=count, seed=seed, patience=PATIENCE_S, polls=polls
            ) as world:
                measured = await play(world, seconds)
                quiet = await world.until_quiet()
                rows = [*measured, *world.findings()]
            title = f"{name} for {seconds:.0f} s, {count} processes, seed {seed}"
            print(f"\n{title}{'' if quiet else ': NOT DONE IN TIME'}\n{table(rows)}", flush=True)
            good = good and quiet and not any(row.wrong for row in rows)
    return int(not good)


async def _checked(world: OneProcess, name: str) -> bool:
    quiet = await world.until_quiet()
    rows = findings_of_one(world)
    print(f"\n{name}{'' if quiet else ': NOT DONE IN TIME'}\n{table(rows)}", flush=True)
    return quiet and not any(row.wrong for row in rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.chaos")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each of the other rounds lasts")
    parser.add_argument("--replicas", type=int, default=0, help="the rounds of several processes, with so many")
    parser.add_argument("--round", default="", help="with --replicas: only the rounds with this in their names")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="an empty one, which is kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        where = options.folder or Path(made)
        if options.replicas:
            run = with_replicas(options.replicas, options.seconds, options.seed, where, options.round)
        else:
            run = main(options.kills, options.seconds, options.seed, where)
        sys.exit(asyncio.run(run))
