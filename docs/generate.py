"""Write docs/settings.md and ``.env.example`` from bot/setting_groups.py: ``make docs``."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from bot.setting_groups import Group
from bot.settings import MISSING, Settings

ROOT = Path(__file__).parent.parent
WIDTH = 120
SETTINGS_INTRO = """\
# Settings

<!-- Written by `make docs` from bot/setting_groups.py. Edit that file instead. -->

Settings come from the environment or from `.env`; the environment takes precedence. Copy `.env.example`, which lists
all of them. A wrong value stops the bot at the start with one line that names the variable.
"""
EXAMPLE_INTRO = """\
# Copy this file to .env and fill in the two values below. All other settings are optional and shown with their
# defaults; docs/settings.md says more about them. The environment takes precedence over this file.
# Written by "make docs" from bot/setting_groups.py.
"""


def groups() -> list[type[Group]]:
    """The groups of settings in the order of their fields."""
    return [cls for cls in reversed(Settings.__mro__) if issubclass(cls, Group) and cls not in (Group, Settings)]


def default(variable: str) -> str:
    """The default as it is typed in ``.env``; empty if there is none."""
    value = Settings.model_fields[variable.lower()].get_default(call_default_factory=True)
    if value == {}:
        return "{}"
    if isinstance(value, int | float):
        return f"{value:g}"
    return value if isinstance(value, str) else ""


def settings_page() -> str:
    """The text of docs/settings.md."""
    parts = [SETTINGS_INTRO]
    for group in groups():
        _, *introduction = _paragraphs(group.__doc__)
        rows, details = ["| variable | default | meaning |", "|---|---|---|"], []
        for variable, (first, *others) in _fields(group):
            rows.append(f"| `{variable}` | {_shown_default(variable)} | {first} |")
            if others:
                details.append(_wrapped(f"- `{variable}`: {' '.join(others)}", indent="  "))
        parts += [f"## {_title(group)}\n", *(f"{_wrapped(one)}\n" for one in introduction), "\n".join(rows) + "\n"]
        parts += ["\n".join(details) + "\n"] if details else []
    return "\n".join(parts)


def example() -> str:
    """The text of ``.env.example``."""
    parts = [EXAMPLE_INTRO]
    for group in groups():
        parts.append(f"# --- {_title(group)} ---\n")
        lines = []
        for variable, (first, *_) in _fields(group):
            mark = "" if variable in MISSING else "# "
            lines += [_wrapped(f"# {re.sub('[`*]', '', first)}", indent="# "), f"{mark}{variable}={default(variable)}"]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _title(group: type[Group]) -> str:
    return _paragraphs(group.__doc__)[0].removesuffix(".")


def _fields(group: type[Group]) -> Iterator[tuple[str, list[str]]]:
    for name in group.__annotations__:
        if name in Settings.model_fields:
            yield name.upper(), _paragraphs(Settings.model_fields[name].description)


def _paragraphs(text: str | None) -> list[str]:
    assert text, "each group and each field has a docstring"
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def _shown_default(variable: str) -> str:
    if variable in MISSING:
        return "required"
    return f"`{default(variable)}`" if default(variable) else "unset"


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    (ROOT / "docs" / "settings.md").write_text(settings_page(), encoding="utf-8")
    (ROOT / ".env.example").write_text(example(), encoding="utf-8")
