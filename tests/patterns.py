"""Every pattern of the bot, and texts that a bad one would take long over, made from what the pattern repeats."""

import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import bot

PARSER: Any = importlib.import_module("re._parser")
ROOT = Path(bot.__file__).parent
SAMPLES = {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a"}
_USE = re.compile(r"\b(_?[A-Z][A-Z_]*)\.(\w+)\b")
Tokens = list[tuple[Any, Any]]


def patterns() -> dict[str, re.Pattern[Any]]:
    """What modules and their classes hold, also inside containers and dataclasses, once each, by where it was found."""
    found: dict[re.Pattern[Any], str] = {}
    for module in pkgutil.walk_packages(bot.__path__, "bot."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                _collect(f"{module.name}.{name}", value, found, set())
    return {place: pattern for pattern, place in found.items()}


def _collect(place: str, value: object, found: dict[re.Pattern[Any], str], seen: set[int]) -> None:
    if id(value) in seen or place.rsplit(".", 1)[-1].startswith("__"):
        return
    seen.add(id(value))
    if isinstance(value, re.Pattern):
        found.setdefault(value, place)
    for name, part in _held(value, place.rpartition(".")[0]):
        _collect(f"{place}.{name}" if name else place, part, found, seen)


def _held(value: object, module: str) -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [("", part) for part in (*value.keys(), *value.values())]
    if isinstance(value, list | tuple | set | frozenset):
        return [("", part) for part in value]
    if isinstance(value, type):
        return list(vars(value).items()) if value.__module__ == module else []
    return [("", getattr(value, name, None)) for name in getattr(value, "__dataclass_fields__", ())]


@cache
def _uses(name: str, module: str) -> set[str]:
    files = [ROOT.parent / f"{module.replace('.', '/')}.py"] if name.startswith("_") else ROOT.rglob("*.py")
    return {
        method for file in files if file.exists() for used, method in _USE.findall(file.read_text()) if used == name
    }


def runs(place: str, pattern: re.Pattern[Any]) -> list[Callable[[Any], object]]:
    """How the bot runs it; what is only tried at the start of a text isn't searched for."""
    module, _, name = place.rpartition(".")
    starts: dict[str, Callable[[Any], object]] = {"match": pattern.match, "fullmatch": pattern.fullmatch}
    uses = _uses(name, module)
    if uses and uses <= starts.keys():
        return [starts[use] for use in sorted(uses)]
    return [lambda text: sum(1 for _ in pattern.finditer(text))]


def seconds(run: Callable[[Any], object], text: object) -> float:
    """Of the processor."""
    before = time.process_time()
    run(text)
    return time.process_time() - before


def growers(pattern: re.Pattern[Any]) -> list[tuple[str, str]]:
    """What to begin with, and what to repeat: each body of a repetition, what leads to it, and both."""
    source = pattern.pattern.decode("latin-1") if isinstance(pattern.pattern, bytes) else pattern.pattern
    flags = pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    made: dict[tuple[str, str], None] = {}
    for before, body in _repetitions(list(PARSER.parse(source, flags)), ""):
        made |= dict.fromkeys((("", before), (before, body), ("", before + body)))
    return [(start, unit) for start, unit in made if unit]


def _repetitions(tokens: Tokens, before: str) -> Iterator[tuple[str, str]]:
    for token in tokens:
        op, argument = token
        if str(op) in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            _, most, body = argument
            if most is PARSER.MAXREPEAT or most >= 100:
                for unit in _samples(list(body)):
                    yield before, unit
        for part in _parts(token):
            yield from _repetitions(part, before)
        before += _sample([token])


def _parts(token: tuple[Any, Any]) -> list[Tokens]:
    op, argument = token
    match str(op):
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return [list(argument[2])]
        case "SUBPATTERN":
            return [list(argument[3])]
        case "ATOMIC_GROUP":
            return [list(argument)]
        case "BRANCH":
            return [list(way) for way in argument[1]]
        case "ASSERT" | "ASSERT_NOT":
            return [list(argument[1])]
    return []


def _samples(tokens: Tokens) -> list[str]:
    """Several, where the first thing is a choice."""
    if len(tokens) == 1 and str(tokens[0][0]) == "IN":
        return [one for one in dict.fromkeys(map(_one_of, _split(tokens[0][1]))) if one] or [_sample(tokens)]
    if len(tokens) == 1 and str(tokens[0][0]) in {"SUBPATTERN", "ATOMIC_GROUP", "BRANCH"}:
        return [unit for part in _parts(tokens[0]) for unit in _samples(part)]
    return [_sample(tokens)]


def _split(items: Tokens) -> list[Tokens]:
    return [items] if str(items[0][0]) == "NEGATE" else [[item] for item in items[:4]]


def _sample(tokens: Tokens) -> str:
    return "".join(map(_sign, tokens))


def _sign(token: tuple[Any, Any]) -> str:
    op, argument = token
    match str(op):
        case "LITERAL":
            return chr(int(argument))
        case "NOT_LITERAL":
            return "b" if argument == ord("a") else "a"
        case "ANY":
            return "a"
        case "IN":
            return _one_of(argument)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return _sample(list(argument[2])) * int(min(argument[0], 20))
        case "SUBPATTERN" | "ATOMIC_GROUP" | "BRANCH":
            return _sample(_parts(token)[0])
    return ""


def _one_of(items: Tokens) -> str:
    if str(items[0][0]) == "NEGATE":
        source = "[^" + "".join(map(_item, items[1:])) + "]"
        return next((sign for sign in "a 1-.é\n\t<[(*" if re.match(source, sign)), "")
    op, argument = items[0]
    match str(op):
        case "LITERAL":
            return chr(argument)
        case "RANGE":
            return chr(argument[0])
    return SAMPLES.get(str(argument), "." if "NOT" in str(argument) else "a")


def _item(item: tuple[Any, Any]) -> str:
    op, argument = item
    match str(op):
        case "LITERAL":
            return re.escape(chr(argument))
        case "RANGE":
            return f"{re.escape(chr(argument[0]))}-{re.escape(chr(argument[1]))}"
    kind = str(argument).rpartition("_")[2][0].lower()
    return "\\" + (kind.upper() if "NOT" in str(argument) else kind)
