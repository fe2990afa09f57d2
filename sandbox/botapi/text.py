"""Telegram's text: measured in UTF-16 units, with entities that point into it."""

import re
from collections.abc import Iterator, Sequence

from sandbox.botapi.errors import bad_request
from sandbox.botapi.wire import Json

MAX_UNITS = 4096

_ENTITY_TYPES = (
    "mention hashtag cashtag bot_command url email phone_number bold italic underline strikethrough spoiler "
    "blockquote expandable_blockquote code pre text_link text_mention custom_emoji date_time"
)
ENTITY_TYPES = frozenset(_ENTITY_TYPES.split())
NEEDED = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id", "date_time": "unix_time"}
"""What an entity of that type must have."""

DETECTED = {
    "bot_command": re.compile(r"(?<![\w/@.])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])"),
    "url": re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?')\]]"),
    "mention": re.compile(r"(?<![\w@/])@[A-Za-z][A-Za-z0-9_]{3,31}\b"),
}


def units(text: str) -> int:
    """The length of a text as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


def checked(text: str) -> str:
    """The text as it will be shown, without blanks at its end; refused when it is empty or too long."""
    shown = text.rstrip()
    if not shown:
        raise bad_request("message text is empty")
    if units(shown) > MAX_UNITS:
        raise bad_request("message is too long")
    return shown


def entities(text: str, given: Sequence[Json]) -> list[Json]:
    """The entities of a text: those given, checked, and those that Telegram finds by itself in between."""
    encoded = text.encode("utf-16-le")
    explicit = [clipped for entity in given if (clipped := _clipped(entity, encoded))]
    taken = [_span(entity) for entity in explicit]
    found = [entity for entity in detected(text) if not any(_overlap(_span(entity), span) for span in taken)]
    return sorted(explicit + found, key=lambda entity: (_span(entity)[0], -_span(entity)[1]))


def detected(text: str) -> list[Json]:
    """Commands, addresses and mentions in a text."""
    found: list[Json] = []
    for kind, pattern in DETECTED.items():
        for match in pattern.finditer(text):
            entity: Json = {"type": kind, "offset": units(text[: match.start()]), "length": units(match[0])}
            if not any(_overlap(_span(entity), _span(other)) for other in found):
                found.append(entity)
    return sorted(found, key=lambda entity: _span(entity)[0])


def pieces(text: str) -> Iterator[str]:
    """A long text as Telegram's apps send it: in several messages, parted at a line or a word where there is one."""
    rest = text
    while units(rest) > MAX_UNITS:
        head = rest.encode("utf-16-le")[: 2 * MAX_UNITS].decode("utf-16-le", "ignore")
        cut = max(head.rfind("\n"), head.rfind(" ")) + 1 or len(head)
        yield rest[:cut].rstrip()
        rest = rest[cut:]
    yield rest


def _clipped(entity: Json, encoded: bytes) -> Json | None:
    """The entity, ending where the shown text ends; None when it covered only the blanks that were taken off."""
    kind = str(entity["type"])
    if kind not in ENTITY_TYPES:
        raise bad_request(f'unsupported entity type "{kind}"')
    if kind in NEEDED and NEEDED[kind] not in entity:
        raise bad_request(f'field "{NEEDED[kind]}" is missing in entity of type {kind}')
    start, end = _span(entity)
    if start < 0 or end <= start:
        raise bad_request(f"entity has invalid offset {start} or length {end - start}")
    size = len(encoded) // 2
    if any(_inside_pair(encoded, position) for position in (start, end)):
        raise bad_request("entity begins or ends in a middle of a UTF-16 symbol")
    return entity | {"length": min(end, size) - start} if start < size else None


def check_range(text: str, given: Sequence[Json]) -> None:
    """Refuse entities that reach beyond the text as it was sent."""
    size = units(text)
    for entity in given:
        if _span(entity)[1] > size:
            raise bad_request(f"entity ends after the end of the text at offset {size}")


def _inside_pair(encoded: bytes, position: int) -> bool:
    low = encoded[2 * position : 2 * position + 2]
    return bool(low) and 0xDC00 <= int.from_bytes(low, "little") <= 0xDFFF


def _span(entity: Json) -> tuple[int, int]:
    offset, length = entity["offset"], entity["length"]
    assert isinstance(offset, int)
    assert isinstance(length, int)
    return offset, offset + length


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
