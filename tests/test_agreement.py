"""The documentation agrees with the code: settings, profiles, commands, links and make targets."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from bot import texts
from bot.__main__ import main
from bot.llm.known import KNOWN
from bot.llm.profiles import Fallback, ModelProfile, ServerProfile
from bot.settings import Settings
from docs.generate import example, settings_page

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
PROFILES: dict[str, type[BaseModel]] = {"models": ModelProfile, "servers": ServerProfile, "fallbacks": Fallback}
"""By the names of their tables in the file of MODEL_PROFILES."""
VARIABLES = {name.upper() for name in Settings.model_fields}
README_WORDS = 2000
README_SETTINGS = 10
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
SETTINGS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
PROVIDERS = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")


def _documented(page: str) -> dict[str, str]:
    """The defaults in a page's tables of variable, default and meaning."""
    return dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]*) \| [^|]+ \|$", page, re.MULTILINE))


def _default(variable: str) -> str:
    default = Settings.model_fields[variable.lower()].get_default(call_default_factory=True)
    if default is None or default == frozenset() or not isinstance(default, str | int | float | dict):
        return ""
    return "{}" if default == {} else f"{default:g}" if isinstance(default, float | int) else str(default)


def test_generated_files_are_up_to_date() -> None:
    assert settings_page() == SETTINGS, "run: make docs"
    assert example() == EXAMPLE, "run: make docs"


def test_the_example_has_every_variable_with_its_default() -> None:
    found = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert found == {variable: _default(variable) for variable in VARIABLES}


def test_the_example_starts_with_what_is_required() -> None:
    assert re.findall(r"^([A-Z_]+)=", EXAMPLE, re.MULTILINE) == ["TELEGRAM_BOT_TOKEN", "OPENAI_API_KEY"]


def test_the_docs_have_every_variable() -> None:
    assert set(_documented(SETTINGS)) == VARIABLES


@pytest.mark.parametrize("page", [README, SETTINGS], ids=["README.md", "settings.md"])
def test_the_docs_give_the_defaults(page: str) -> None:
    for variable, documented in _documented(page).items():
        default = _default(variable)
        assert documented == f"`{default}`" if default else documented in ("required", "unset"), variable


def test_the_readme_is_short() -> None:
    assert len(README.split()) < README_WORDS
    assert len(_documented(README)) == README_SETTINGS


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_a_description_names_each_choice(name: str) -> None:
    field = Settings.model_fields[name]
    assert field.description
    assert [
        choice
        for choice in get_args(field.annotation)
        if isinstance(choice, str) and f"`{choice}`" not in field.description
    ] == []


def test_each_variable_of_the_example_has_a_comment() -> None:
    for above, line in pairwise(EXAMPLE.splitlines()):
        if re.match(r"(# )?[A-Z_]+=", line):
            assert re.match(r"# (?![A-Z_]+=).*[.)]$", above), f"no comment above {line}"
            assert not re.search(r"[`*]|\]\(", above), f"Markdown above {line}"


def test_the_docs_list_each_field_of_profiles() -> None:
    documented = dict(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| ([^|]*) \|", PROVIDERS, re.MULTILINE))
    assert documented == {
        f"{table}.{name}": "unset"
        if (default := field.get_default(call_default_factory=True)) is None
        else f"`{json.dumps(default)}`"
        for table, profile in PROFILES.items()
        for name, field in profile.model_fields.items()
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_docs_file_of_profiles_is_read(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    examples = [example for example in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if "[models." in example]
    assert examples or page.name not in ("providers.md", "operation.md")
    for number, one in enumerate(examples):
        file = tmp_path / f"{number}.toml"
        file.write_text(one, encoding="utf-8")
        assert KNOWN.with_file(file).models[-1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_a_file_and_heading(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", text) + re.findall(r'(?:src|srcset)="(?!https?:)([^"]+)"', text)
    for link in links:
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_in_the_docs_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):(?! export)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    code = re.findall(r"`{3}.*?`{3}|`[^`]+`", page.read_text(encoding="utf-8"), re.DOTALL)
    used = {target for block in code for target in re.findall(r"(?:^|[`$] ?)make ([a-z][a-z-]*)", block, re.MULTILINE)}
    assert used <= targets


def test_the_docs_list_each_chat_command() -> None:
    rows = re.findall(r"^\| (`/.*?) \|", (ROOT / "docs" / "usage.md").read_text(encoding="utf-8"), re.MULTILINE)
    documented = {command for row in rows for command in re.findall(r"`/([a-z]+)`", row)}
    assert documented == {name for name, _ in texts.COMMANDS} | {"start", "cancel"}


def test_the_docs_list_each_shell_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    choices = re.search(r"\{([a-z,]+)\}", capsys.readouterr().out)
    assert choices is not None
    operation = (ROOT / "docs" / "operation.md").read_text(encoding="utf-8")
    assert f"python -m bot [{choices[1].replace(',', '|')}]" in operation


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_buttons_in_the_docs_exist(page: Path) -> None:
    labels = {text for text in vars(texts).values() if isinstance(text, str)}
    named = re.findall(r"(?<!\*)\*([A-Z][a-z]+(?: [a-z]+)*)\*(?!\*)", page.read_text(encoding="utf-8"))
    assert set(named) - {"Evidence"} <= labels


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_variables_in_the_docs_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    prefixes = tuple({name.split("_")[0] for name in VARIABLES if "_" in name})
    used = {name for name in re.findall(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", text) if name.startswith(prefixes)}
    assert used <= VARIABLES


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
