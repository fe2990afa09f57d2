"""A conversation file in the LoCoMo format, as turns of a user and the bot."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

GREETING = "Hello."
"""The user's first message if the file begins with the other speaker."""
BETWEEN = timedelta(seconds=40)
"""The time between two turns of a session."""


@dataclass(frozen=True)
class Round:
    """A message of the user and the bot's answer."""

    at: datetime
    said: str
    answer: str


@dataclass(frozen=True)
class Question:
    """A question and the lines with its answer."""

    text: str
    answer: str
    evidence: tuple[str, ...]
    category: int
    """LoCoMo's category: 1 several facts, 2 time, 3 inference, 4 one fact, 5 a false premise; 0: unknown."""


@dataclass(frozen=True)
class Dialogue:
    """A whole file."""

    user: str
    rounds: tuple[Round, ...]
    questions: tuple[Question, ...]


def load(files: Sequence[Path], repeat: int = 1) -> Dialogue:
    """The conversations of several files in sequence, the whole sequence `repeat` times."""
    parts = [_read(json.loads(file.read_text(encoding="utf-8"))) for file in files] * repeat
    rounds: list[Round] = []
    for part in parts:
        shift = max(rounds[-1].at - part.rounds[0].at + timedelta(days=1), timedelta()) if rounds else timedelta()
        rounds += [replace(one, at=one.at + shift) for one in part.rounds]
    questions = [question for part in parts[: len(files)] for question in part.questions]
    return Dialogue(parts[0].user, tuple(rounds), tuple(questions))


def _read(data: dict[str, object]) -> Dialogue:
    user = str(data["speaker_a"])
    rounds: list[Round] = []
    texts: dict[str, str] = {}
    number = 1
    while isinstance(lines := data.get(f"session_{number}"), list):
        at = datetime.strptime(str(data[f"session_{number}_date_time"]), "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
        texts |= {line["dia_id"]: line["text"].strip() for line in lines}  # Telegram strips surrounding whitespace
        rounds += _rounds(user, at, [(line["speaker"], line["text"]) for line in lines])
        number += 1
    found = data.get("qa")
    questions = [_question(one, texts) for one in found] if isinstance(found, list) else []
    return Dialogue(user, tuple(rounds), tuple(one for one in questions if one.evidence))


def _rounds(user: str, at: datetime, lines: Sequence[tuple[str, str]]) -> list[Round]:
    rounds: list[Round] = []
    for speaker, text in lines:
        if speaker == user and (not rounds or rounds[-1].answer):
            rounds.append(Round(at + len(rounds) * BETWEEN, text, ""))
        elif speaker == user:
            rounds[-1] = replace(rounds[-1], said=f"{rounds[-1].said}\n{text}")
        elif not rounds:
            rounds.append(Round(at, GREETING, text))
        else:
            rounds[-1] = replace(rounds[-1], answer=f"{rounds[-1].answer}\n{text}".strip())
    return [one if one.answer else replace(one, answer="Okay.") for one in rounds]


def _question(one: dict[str, object], texts: dict[str, str]) -> Question:
    named = one.get("evidence")
    ids = re.findall(r"D\d+:\d+", " ".join(map(str, named if isinstance(named, list) else [])))
    answer = str(one.get("answer", one.get("adversarial_answer", "I don't know.")))
    category = one.get("category")
    evidence = tuple(texts[name] for name in ids if name in texts)
    return Question(str(one["question"]), answer, evidence, category if isinstance(category, int) else 0)
