"""What docs/ and ``.env.example`` list is what there is: the variables, and the fields of MODEL_PROFILES."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.llm.known import KNOWN
from bot.llm.profiles import Fallback, ModelProfile, ServerProfile
from bot.settings import Settings

ROOT = Path(__file__).parent.parent
PROFILES: dict[str, type[BaseModel]] = {"models": ModelProfile, "servers": ServerProfile, "fallbacks": Fallback}
"""By the names of their tables in the file of MODEL_PROFILES."""
VARIABLES = {name.upper() for name in Settings.model_fields}


def _in_example() -> dict[str, str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", text, re.MULTILINE))


def _in_docs() -> dict[str, str]:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
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


def test_the_docs_have_every_variable() -> None:
    assert set(_in_docs()) == VARIABLES


@pytest.mark.parametrize("variable", sorted(VARIABLES))
def test_the_docs_tell_the_default(variable: str) -> None:
    told = _in_docs()[variable].strip()
    default = _default(variable)
    assert told.startswith(f"`{default}`" if default else ("required", "unset", "empty", "a short"))


def test_each_variable_of_the_example_has_a_comment_above_it() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    for above, line in pairwise(lines):
        if re.match(r"(# )?[A-Z_]+=", line):
            assert re.match(r"# (?![A-Z_]+=).*[.)]$", above), f"no comment above {line}"


def test_the_docs_list_each_field_of_profiles() -> None:
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| ([^|]*) \|", text, re.MULTILINE))
    assert told == {
        f"{table}.{name}": "unset"
        if (default := field.get_default(call_default_factory=True)) is None
        else f"`{json.dumps(default)}`"
        for table, profile in PROFILES.items()
        for name, field in profile.model_fields.items()
    }


def test_the_docs_file_of_profiles_is_read(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    examples = [example for example in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if "[models." in example]
    assert examples
    for number, example in enumerate(examples):
        file = tmp_path / f"{number}.toml"
        file.write_text(example, encoding="utf-8")
        assert KNOWN.with_file(file).models[-1]
