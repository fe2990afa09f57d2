"""Names in ``.env`` and in the environment that look like settings, but are none: usually typing errors.

In ``.env`` any unknown name is one. The environment has names of other programs too, so there only a name that differs
from a setting by a letter or two counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from dotenv.parser import parse_stream

SIMILAR, ALMOST_EQUAL = 0.6, 0.9
"""The least likeness (difflib's ratio) of a name in ``.env``, and of one in the environment."""


@dataclass(frozen=True, slots=True)
class UnknownName:
    """A name that is not a setting."""

    name: str
    source: str
    likely: str | None
    """The setting that may be meant."""

    @property
    def text(self) -> str:
        """What to tell the operator; it contains no value."""
        advice = f"; did you mean {self.likely}?" if self.likely else ""
        return f"{self.source} has {self.name}, which is not a setting{advice}"


def find_unknown(known: Iterable[str], env_file: str | None, environment: Mapping[str, str]) -> list[UnknownName]:
    """The unknown names; `known` are the settings in capitals."""
    settings = sorted(known)
    found = [
        UnknownName(name, str(env_file), _nearest(name, settings, SIMILAR))
        for name in _names(env_file)
        if name.upper() not in settings
    ]
    for name in sorted(environment):
        likely = None if name.upper() in settings else _nearest(name, settings, ALMOST_EQUAL)
        if likely is not None:
            found.append(UnknownName(name, "the environment", likely))
    return found


def _names(env_file: str | None) -> list[str]:
    """The names in the file, in its order; none if it can't be read, which is reported elsewhere."""
    if env_file is None:
        return []
    try:
        with Path(env_file).open(encoding="utf-8") as file:
            names = (binding.key for binding in parse_stream(file))
            return list(dict.fromkeys(name for name in names if name and name.isprintable()))
    except (OSError, UnicodeDecodeError):
        return []


def _nearest(name: str, settings: list[str], likeness: float) -> str | None:
    return next(iter(get_close_matches(name.upper(), settings, 1, likeness)), None)
