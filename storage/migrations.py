"""Numbered schema files, applied in order: a database made today equals one migrated from the first version.

A file, once released, is never changed; the next change is a new file. Each is applied together with its number
(``user_version``) in one transaction, so that a migration which is killed half-way has not happened.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

_NAME = re.compile(r"(\d{3})_\w+\.sql")


@dataclass(frozen=True, slots=True)
class Step:
    """One schema file as the script that applies it."""

    version: int
    script: str


def after(version: int) -> Iterator[Step]:
    """The steps that a database of `version` still needs, in order."""
    return (step for step in _steps() if step.version > version)


def latest() -> int:
    """The version that this code was written for."""
    return max(step.version for step in _steps())


def _steps() -> list[Step]:
    found = []
    for file in files("storage").joinpath("schema").iterdir():
        if match := _NAME.fullmatch(file.name):
            version = int(match[1])
            sql = file.read_text(encoding="utf-8")
            found.append(Step(version, f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {version};\nCOMMIT;"))
    return sorted(found, key=lambda step: step.version)
