"""Mistakes in ``.env`` and in the environment that would otherwise go unnoticed: misspelled names, unreadable lines.

In ``.env`` any unknown name is one. The environment has names of other programs too, so there only a name that differs
from a setting by a letter or two counts. A line that isn't of the form NAME=value may contain a secret, so it is
reported by its number.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from dotenv.parser import Binding, parse_stream

SIMILAR, ALMOST_EQUAL = 0.6, 0.9
"""The least likeness (difflib's ratio) of a name in ``.env``, and of one in the environment."""
_PLAIN = re.compile(r"[A-Z_][A-Z0-9_-]*|[a-z_]+")
"""Names that are certainly not a secret in the wrong place."""
_WORD = re.compile(r"\w+")
_LINE_OF_ANOTHER = re.compile(r"\n[ \t]*+(?:export[ \t]++)?(\w++)[ \t]*+=")


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that the operator should change."""

    source: str
    what: str
    likely: str | None = None
    """The setting that is probably meant."""

    @property
    def text(self) -> str:
        """What to tell the operator; it contains no value."""
        return f"{self.source} {self.what}"


def find_mistakes(settings: Iterable[str], env_file: str | None, environment: Mapping[str, str]) -> list[Mistake]:
    """The mistakes; `settings` are their names in capitals, the more common ones first."""
    known = list(settings)
    found = list(_in_file(known, env_file)) if env_file is not None else []
    for name in sorted(environment):
        likely = None if name.upper() in known else _nearest(name, known, ALMOST_EQUAL)
        if likely is not None:
            found.append(_unknown("the environment", name, likely))
    return found


def _in_file(known: Sequence[str], env_file: str) -> Iterator[Mistake]:
    """Those in the file, in its order; none if it can't be read at all, which is reported elsewhere."""
    try:
        with Path(env_file).open(encoding="utf-8-sig") as file:
            bindings = [one for one in parse_stream(file) if one.original.string.strip()]
    except (OSError, UnicodeDecodeError):
        return
    seen: dict[str, int] = {}
    for one in bindings:
        yield from _in_line(known, env_file, one)
        if one.key is not None and not one.error and (name := one.key.upper()) not in seen:
            seen[name] = sum(other.key is not None and other.key.upper() == name for other in bindings)
    for name, times in seen.items():
        if times > 1 and name in known:
            yield Mistake(env_file, f"has {name} {times} times; the last one counts", name)


def _in_line(known: Sequence[str], env_file: str, line: Binding) -> Iterator[Mistake]:
    at = f"{env_file}, line {_number(line)}:"
    if line.error:
        words = (word.upper() for word in _WORD.findall(line.original.string))
        lost = list(dict.fromkeys(word for word in words if word in known))
        without = f", without {', '.join(lost)}" if lost else ""
        what = f"this is skipped{without}: it is not of the form NAME=value, or a quote is missing"
        yield Mistake(at, what, lost[0] if lost else None)
    elif line.key is None:
        return
    elif line.key.upper() not in known:
        likely = _nearest(line.key, known, SIMILAR)
        if _PLAIN.fullmatch(line.key) and line.value is not None:
            yield _unknown(env_file, line.key, likely)
        else:
            yield Mistake(at, f"this is not a setting{_advice(likely)}", likely)
    elif line.value is None:
        name = line.key.upper()
        yield Mistake(at, f"{name} has no value; write {name}=value", name)
    else:
        inside = [name.upper() for name in _LINE_OF_ANOTHER.findall(line.value) if name.upper() in known]
        if inside:
            yield Mistake(
                at, f"the value of {line.key} includes the line of {inside[0]}; a quote is missing", inside[0]
            )


def _number(line: Binding) -> int:
    """The line where it begins, without the empty lines before it."""
    text = line.original.string
    return line.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _unknown(source: str, name: str, likely: str | None) -> Mistake:
    return Mistake(source, f"has {name}, which is not a setting{_advice(likely)}", likely)


def _advice(likely: str | None) -> str:
    return f"; did you mean {likely}?" if likely else ""


def _nearest(name: str, known: Sequence[str], likeness: float) -> str | None:
    """The setting that ends with this name (MODEL: OPENAI_MODEL), or the most similar one."""
    plain = re.sub(r"\W+", "_", name.upper()).strip("_")
    if likeness == SIMILAR and plain:
        for setting in known:
            if setting.endswith(f"_{plain}") or setting == plain or re.match(rf"{setting}\W", name.upper()):
                return setting
    return next(iter(get_close_matches(plain, known, 1, likeness)), None)
