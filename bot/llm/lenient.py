"""Lenient access to parsed JSON: a value of the wrong type counts as empty and raises nothing.

Text may be a string or a list of parts (Mistral's reasoning models stream ``content`` as a list).
"""

from collections.abc import Iterator, Mapping, Sequence

Object = Mapping[str, object]

_WORDS = ("", "text", "text_delta", "output_text", "input_text", "refusal")
_THOUGHTS = (
    "thinking",
    "thinking_delta",
    "reasoning",
    "reasoning_text",
    "summary_text",
    "reasoning.text",
    "reasoning.summary",
)
_KEYS = ("text", "refusal", "thinking", "reasoning", "summary", "content", "value")
"""Where a part has its text or nested parts."""


def text(value: object) -> str:
    """The value if it is a string, else ""."""
    return value if isinstance(value, str) else ""


def mapping(value: object) -> Object:
    """The value if it is an object, else {}."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[Object]:
    """The objects in a list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def words(content: object) -> tuple[str, str]:
    """The text and the reasoning in a message's content; other parts are skipped."""
    said = thought = ""
    for part in content if isinstance(content, list) else [content]:
        kind = text(part.get("type")).lower() if isinstance(part, Mapping) else ""
        if kind in _THOUGHTS:
            thought += "".join(_inner(part))
        elif kind in _WORDS:
            said += "".join(_inner(part))
    return said, thought


def thoughts(values: Sequence[object]) -> str:
    """The first non-empty reasoning field."""
    return next((found for value in values if (found := "".join(_inner(value)))), "")


def _inner(value: object, depth: int = 3) -> Iterator[str]:
    """All strings in a text, a part or a list of parts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)  # some gateways send a piece of digits as a number
    elif isinstance(value, list) and depth:
        for item in value:
            yield from _inner(item, depth - 1)
    elif isinstance(value, Mapping) and depth:
        yield from _inner(next((value[key] for key in _KEYS if value.get(key)), ""), depth - 1)
