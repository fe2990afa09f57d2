"""What must be true after the chaos, counted from Telegram's messages and from the database."""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.e2e.chaos.crowd import ANSWER, CHAPTERS, COMMANDS, MARK, PICTURES, Place, is_long
from tests.e2e.chaos.one_process import OneProcess
from tests.e2e.chaos.world import Query, World

STORED_S = 2.5
"""Within which the bot has stored that a message arrived, on a busy machine and with dates in whole seconds."""
CHAPTER = re.compile(r"Chapter (\d) of (k\d{4})")
KEPT = re.compile(r"keepsake\.db(-wal|-shm|\.inflight|\.hung|\.lock)?|bot\.log")
"""The files that may be next to the database."""

SHARED = {
    "updates not handled": "SELECT update_id FROM inbox WHERE state NOT IN ('done', 'quarantined')",
    "turns still open": "SELECT id, state FROM turns WHERE state IN ('waiting','streaming','complete','replaced')",
    "notices not sent": "SELECT id FROM notices WHERE message_id IS NULL",
    "media of no turn": "SELECT hash FROM media WHERE hash NOT IN (SELECT hash FROM turn_media)",
}
"""Statements that must return nothing."""
SQLITE = {
    "PRAGMA integrity_check": "SELECT * FROM pragma_integrity_check WHERE integrity_check != 'ok'",
    "PRAGMA foreign_key_check": "SELECT * FROM pragma_foreign_key_check",
    "index rows without a turn": "SELECT rowid FROM turn_words WHERE rowid NOT IN (SELECT id FROM turns)",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A row of the table: `wrong` is None for what is only counted."""

    name: str
    count: int
    wrong: int | None = None
    examples: Sequence[object] = ()


def findings_of_one(world: OneProcess) -> list[Finding]:
    """Check everything; the bot may run, but must have nothing more to do."""
    with world.querying() as query:
        rows = [*findings(world, query), *_sqlite(query)]
    return [*rows, wrong("files left behind", _leftovers(world))]


def findings(world: World, query: Query) -> list[Finding]:
    """Check what must be true over either database."""
    done, places = world.crowd.done, world.crowd.places
    return [
        Finding("SIGKILLs", len(world.killed_at)),
        Finding("ends by itself", world.own_ends),
        Finding("updates sent", done.total()),
        *_answers(places),
        _unexplained(world),
        *_commands(places),
        *_transcripts(query, places),
        *_database(query, SHARED),
        *_counts(query),
    ]


def table(rows: Sequence[Finding]) -> str:
    """The findings as lines of text."""
    lines = []
    for row in rows:
        state = "" if row.wrong is None else "ok" if row.wrong == 0 else f"WRONG: {row.wrong} {list(row.examples)[:5]}"
        lines.append(f"{row.name:<52}{row.count:>7}  {state}".rstrip())
    return "\n".join(lines)


def wrong(name: str, cases: Sequence[object], count: int | None = None) -> Finding:
    return Finding(name, len(cases) if count is None else count, len(cases), cases)


def _answers(places: Sequence[Place]) -> Iterator[Finding]:
    missing, cut, late, spoken = [], [], [], 0
    twice, again = 0, list[object]()
    for place in places:
        texts = [message.text for message in place.chat.replies]
        answers = [MARK.findall(text.split(".")[0]) for text in texts if text.startswith(ANSWER)]
        times = Counter(mark for marks in answers for mark in marks)
        chapters = [found for text in texts for found in CHAPTER.findall(text)]
        for mark in place.asked:
            spoken += 1
            if not times[mark]:
                missing.append((place.chat.title, mark))
            if place.private:
                twice += max(0, times[mark] - 1)
            elif times[mark] > 1:
                again.append((place.chat.title, mark, times[mark]))
            if is_long(mark) and not {str(number) for number in range(1, CHAPTERS + 1)} <= {
                number for number, whose in chapters if whose == mark
            }:
                cut.append((place.chat.title, mark))
        firsts = [marks[0] for marks in answers if marks]
        if firsts != sorted(firsts):
            late.append((place.chat.title, firsts))
    yield wrong("messages to the bot, unanswered", missing, spoken)
    yield wrong("answers cut short", cut)
    yield wrong("chats with answers out of order", late)
    yield Finding("answers that came again in private chats", twice)
    yield wrong("answers that came again in groups", again)


def _unexplained(world: World) -> Finding:
    """Answers that came again although the bot had time to store that they had arrived.

    If it is killed before, it can't know in a private chat, and has to send again.
    """
    unexplained = []
    for place in world.crowd.places:
        answers = [message for message in place.chat.replies if message.text.startswith(ANSWER)]
        for mark in place.asked:
            sent = [message.date for message in answers if mark in message.text.split(".")[0]]
            unexplained += [mark for at in sent[:-1] if not any(0 <= kill - at <= STORED_S for kill in world.killed_at)]
    return wrong("of them long after they had arrived", unexplained)


def _commands(places: Sequence[Place]) -> Iterator[Finding]:
    missing, ended, given = list[object](), list[object](), 0
    twice, again = list[object](), list[object]()
    for place in places:
        texts = [message.text for message in place.chat.replies]
        for number, command in enumerate(place.commands):
            given += 1
            times = len([text for text in texts if text.startswith(COMMANDS[command])])
            if times == 0 and command in PICTURES and "/reset" in place.commands[number:]:
                ended.append((place.chat.title, command))
            elif times == 0:
                missing.append((place.chat.title, command))
            elif times > 1:
                (twice if place.private else again).append((place.chat.title, command))
    yield wrong("commands, unanswered", missing, given)
    yield Finding("pictures waiting when /reset ended all deliveries", len(ended), None, ended)
    yield Finding("commands answered twice in private chats", len(twice), None, twice)
    yield wrong("commands answered twice in groups", again)


def _transcripts(query: Query, places: Sequence[Place]) -> Iterator[Finding]:
    missing, twice, late, stale = [], [], [], []
    for place in places:
        rows = query(
            "SELECT role, content FROM turns JOIN chats ON chats.id = chat_id WHERE telegram_id = ? ORDER BY turns.id",
            (place.chat.id,),
        )
        said = [mark for role, content in rows if role == "user" for mark in MARK.findall(content)]
        text = " ".join(content for _, content in rows)
        expected = sorted(place.asked + place.heard)
        missing += [mark for mark in expected if mark not in said]
        twice += [mark for mark in expected if said.count(mark) > 1]
        answers = [found[0] for role, content in rows if role == "assistant" and (found := MARK.findall(content))]
        late += [place.chat.title] if said != sorted(said) or answers != sorted(answers) else []
        stale += [mark for mark in place.edits.values() if mark not in text]
    yield wrong("messages missing from the transcript", missing)
    yield wrong("messages twice in the transcript", twice)
    yield wrong("transcripts out of order", late)
    yield wrong("edits, not in the transcript", stale, sum(len(place.edits) for place in places))


def _database(query: Query, checks: Mapping[str, str]) -> Iterator[Finding]:
    for name, sql in checks.items():
        yield wrong(name, query(sql, ()))


def _sqlite(query: Query) -> Iterator[Finding]:
    yield from _database(query, SQLITE)
    try:
        query("INSERT INTO turn_words (turn_words) VALUES ('integrity-check')", ())
        broken = []
    except sqlite3.DatabaseError as exc:
        broken = [str(exc)]
    yield wrong("FTS5's integrity-check", broken)


def _counts(query: Query) -> Iterator[Finding]:
    ((quarantined,),) = query("SELECT count(*) FROM inbox WHERE state = 'quarantined'", ())
    yield Finding("updates in quarantine", quarantined)
    ((media,),) = query("SELECT count(*) FROM media", ())
    yield Finding("media kept", media)


def _leftovers(world: OneProcess) -> list[str]:
    return [file.name for file in world.folder.iterdir() if not KEPT.fullmatch(file.name)]
