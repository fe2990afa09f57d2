"""What the page's components are given: the API's messages and drafts, with HTML that is safe to show."""

from collections.abc import Sequence
from typing import Final

from sandbox.botapi.message import Entity
from sandbox.page import rendering
from sandbox.user_api.shapes import DraftView, EntityView, MessageView

Row = dict[str, object]
Place = tuple[int, int | None]
"""A chat, and the topic in it."""
PREVIEW: Final = 90


def key(place: Place) -> str:
    """A chat or a topic in the page's address."""
    return ".".join(str(number) for number in place if number is not None)


def parse_key(text: str) -> Place:
    """The place that `key` named; raises ValueError."""
    chat, _, topic = text.partition(".")
    return int(chat), int(topic) if topic else None


def message_row(message: MessageView) -> Row:
    """A message, with what it says as HTML."""
    rich = _source(message)
    return {**message, "html": rich or _text(message["text"], message["entities"]), "rich": bool(rich)}


def draft_row(draft: DraftView | None, now: float) -> Row | None:
    """An answer that is being written, and for how many seconds it is shown."""
    if draft is None:
        return None
    rich = _source(draft)
    return {
        **draft,
        "html": rich or _text(draft["text"], draft["entities"]),
        "rich": bool(rich),
        "left": draft["expires"] - now,
    }


def preview(message: MessageView) -> str:
    """The beginning of a message, in one line."""
    kinds = {"🖼 Photo": message["photo"], "🎤 Voice message": message["voice"], "📄 File": message["document"]}
    kind = next((text for text, file in kinds.items() if file), "")
    words = " ".join(message["text"][: 2 * PREVIEW].split())
    return f"{kind} {words}".strip()[:PREVIEW] or message["service"] or ""


def _source(source: MessageView | DraftView) -> str:
    """The HTML of a rich message; "" if it isn't one."""
    if source["html"]:
        return rendering.from_html(source["html"])
    return rendering.from_markdown(source["markdown"]) if source["markdown"] else ""


def _text(text: str, entities: Sequence[EntityView]) -> str:
    known = [Entity(one["type"], one["offset"], one["length"], one.get("url"), one.get("language")) for one in entities]
    return rendering.from_text(text, known) if text else ""
