"""The variables of ``.env.example``, of the README's table and of the settings are the same, with the same defaults."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from bot.settings import Settings

ROOT = Path(__file__).parent.parent
VARIABLES = {name.upper() for name in Settings.model_fields}


def _in_example() -> dict[str, str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", text, re.MULTILINE))


def _in_readme() -> dict[str, str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]*) \|", text, re.MULTILINE))


def _default(variable: str) -> str:
    default = Settings.model_fields[variable.lower()].get_default(call_default_factory=True)
    if default is None or default == frozenset() or not isinstance(default, str | int | float | dict):
        return ""
    return "{}" if default == {} else f"{default:g}" if isinstance(default, float | int) else str(default)


def test_the_example_has_every_variable_with_its_default() -> None:
    example = _in_example()
    assert set(example) == VARIABLES
    assert example == {variable: _default(variable) for variable in example}


def test_the_readme_has_every_variable() -> None:
    assert set(_in_readme()) == VARIABLES


@pytest.mark.parametrize("variable", sorted(VARIABLES))
def test_the_readme_tells_the_default(variable: str) -> None:
    told = _in_readme()[variable].strip()
    default = _default(variable)
    assert told.startswith(f"`{default}`" if default else ("required", "unset", "empty", "a short"))


def test_each_variable_of_the_example_has_a_comment_above_it() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    for above, line in pairwise(lines):
        if re.match(r"(# )?[A-Z_]+=", line):
            assert re.match(r"# (?![A-Z_]+=).*[.)]$", above), f"no comment above {line}"
