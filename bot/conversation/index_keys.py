"""What the search index says of turns: the keys of each, which hold its own words and its neighbours'."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, tzinfo
from functools import lru_cache
from typing import Protocol, TypeVar

from bot.conversation.query import strip_timestamp
from bot.conversation.search_terms import date_words, index_text, language_votes
from storage.history import InContext
from storage.records import HistoryTurn, Role
from storage.search import TurnKey

KEYS, LANGUAGES, VECTORS = 0, 1, 2
"""What turns are read for."""

T = TypeVar("T")


class HistoryReader(Protocol):
    """Runs the code that reads turns."""

    async def read(
        self, chat_id: int, rows: Sequence[HistoryTurn], work: Callable[[Sequence[HistoryTurn]], T], step: int = 0
    ) -> T:
        """What `work` makes of consecutive turns; of one that can't be read, it gets no words.

        Chat 0 is unknown. `step` tells different work on the same turns apart.
        """


class PlainHistoryReader:
    """Reads in a thread, because a turn may contain a whole file, which takes a second."""

    async def read(
        self,
        chat_id: int,  # noqa: ARG002 - part of the protocol
        rows: Sequence[HistoryTurn],
        work: Callable[[Sequence[HistoryTurn]], T],
        step: int = 0,  # noqa: ARG002 - as above
    ) -> T:
        """See ``HistoryReader``."""
        return await asyncio.to_thread(work, rows)


def turn_keys(rows: Sequence[HistoryTurn], zone: tzinfo, home: Sequence[str] = ()) -> list[TurnKey]:
    """The keys of consecutive turns, each with its neighbours among them.

    `home`: the chat's languages, most used first.
    """
    own = [index_text(_words(row), home) for row in rows]
    label = [_label(row, zone, home) for row in rows]
    keys = []
    for index, row in enumerate(rows):
        near = [
            neighbour
            for neighbour in (index - 1, index + 1)
            if 0 <= neighbour < len(rows) and rows[neighbour].era == row.era
        ]
        around = " ".join(f"{label[neighbour]} {own[neighbour].terms}" for neighbour in near)
        keys.append(TurnKey(row.turn_id, own[index].terms, around, label[index], own[index].written))
    return keys


def languages_in(rows: Iterable[HistoryTurn]) -> Counter[str]:
    return sum((language_votes(_words(row)) for row in rows), Counter[str]())


def runs_of_turns(turns: Iterable[InContext]) -> list[list[HistoryTurn]]:
    """Group turns with their neighbours (oldest first) into runs of consecutive turns, each turn once."""
    runs: list[list[HistoryTurn]] = []
    for turn in turns:
        follows = turn.before is not None and runs and turn.before.turn_id in {row.turn_id for row in runs[-1][-2:]}
        if not follows:
            runs.append([])
        known = {row.turn_id for row in runs[-1][-2:]}
        near = (turn.before, turn.own, turn.after)
        runs[-1] += [row for row in near if row is not None and row.turn_id not in known]
    return runs


def _words(row: HistoryTurn) -> str:
    return row.content if row.role is Role.ASSISTANT else strip_timestamp(row.content)


def _label(row: HistoryTurn, zone: tzinfo, home: Sequence[str]) -> str:
    if row.role is Role.ASSISTANT:
        return ""
    return f"{_date(datetime.fromtimestamp(row.at, zone).date())} {_speaker(row.speaker or '', tuple(home))}".strip()


@lru_cache(maxsize=1_000)
def _date(day: date) -> str:
    return f"{index_text(date_words(day), ('en',)).terms} {day:%Y%m%d}"


@lru_cache(maxsize=1_000)
def _speaker(name: str, home: tuple[str, ...]) -> str:
    return index_text(name, home).terms
