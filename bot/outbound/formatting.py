"""Conversion of Markdown into the content of one message: as rich message, as text with entities, or plain.

An answer is sent as text with entities, which all apps can show, unless it has tables or formulas. Some apps show a
rich message blank or as unsupported although the Bot API reports success, so nothing could fall back.

Conversions run in a thread, because dense markup of 16,000 characters takes half a second; one at a time, because each
thread takes the interpreter from the event loop for some milliseconds per switch.

Words chosen by strangers are shown as code, so that nothing in them becomes a link or a command.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import islice
from typing import Literal, TypeVar

from telegram import MessageEntity, User
from telegramify_markdown import RenderConfig, convert, richify, utf16_len

from bot.outbound.breaks import JOINT, MARK, strip_joints
from bot.outbound.content import Content, Rich, Text
from bot.outbound.markdown import prepare
from bot.outbound.numbering import DELIMITER, add_values, restore_delimiters, split_lists

_UNREAD = re.compile(
    r"<(pre|code|tg-math-block|tg-math)\b[^<>]*+>[^<]*+(?:<(?!/\1>)[^<]*+)*+(?:</\1>|\Z)|<[^<>]*+>|&[a-z]+;"
)
"""Code and formulas, which read from left to right in every language."""
_RTL = re.compile(r"[\u05d0-\u05f2\u0620-\u065f\u066e-\u06d5\u06ee\u06ef\u06fa-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
RICH_LIMIT = 32_768
"""The limit of a rich message in characters. Compared with the bytes of its HTML, which are always more."""
RICH_BLOCKS = 500
TEXT_LIMIT = 4096
"""In UTF-16 units."""
TEXT_ENTITIES = 100
"""Telegram silently drops further entities, including links."""
_DECORATION = (MessageEntity.UNDERLINE, MessageEntity.ITALIC, MessageEntity.BOLD, MessageEntity.CODE)
"""Entities that a text can do without, least important first."""
_BLOCK = re.compile(r"<(?:p|h[1-6]|pre|blockquote|ul|ol|li|table|tr|hr|tg-math-block)\b")
ReplyFormat = Literal["auto", "rich", "text"]
"""`auto`: text, or rich if an answer contains a table or a formula; `rich` and `text`: always that."""
_MAY_HOLD_ANY = re.compile(r"\|[ \t]*:?-|-:?[ \t]*\||\$|\\[(\[]|(?:`{3}|~{3})[ \t]*math", re.IGNORECASE)
"""A quick test: without any of these there is neither, and no conversion is needed."""
_TABLE_OR_FORMULA = re.compile(r"<table\b|<tg-math(?:-block)?>[^<]*[^\d\s.,+%<-]")
"""In the HTML of a rich message. A plain number between dollars is money, not a formula."""
SHORT = 400
"""The longest text that is converted in the event loop, in at most twenty milliseconds."""
LONGEST_S = 20.0
"""A text that takes longer has hit a bug in a library."""
T = TypeVar("T")

log = logging.getLogger(__name__)


def reads_rtl(html: str) -> bool:
    """Whether most letters are Arabic, Hebrew, or of another right-to-left script."""
    if not _RTL.search(html):
        return False
    text = _UNREAD.sub(" ", html)
    from_right = len(_RTL.findall(text))
    return 2 * from_right > from_right + sum(map(str.isalpha, _RTL.sub("", text)))


def to_rich(markdown: str) -> Rich:
    """Convert to a rich message."""
    prepared = prepare(markdown, as_text=False)
    html = add_values(richify(prepared).html or "", prepared).replace(MARK, "<br/>").replace(JOINT, "")
    return Rich(html, is_rtl=reads_rtl(html))


def to_text(markdown: str) -> Text:
    """Convert to a text with entities, for servers without rich messages."""
    prepared = prepare(markdown, as_text=True)
    text, entities = convert(split_lists(prepared), latex_escape=False, config=_config())
    text = restore_delimiters(text, prepared).replace(MARK, "\n").rstrip()
    units = utf16_len(text)
    fitting = (
        MessageEntity(
            entity.type,
            entity.offset,
            min(entity.length, units - entity.offset),
            url=entity.url,
            language=entity.language,
        )
        for entity in entities
        if entity.offset < units
    )
    return strip_joints(Text(text, tuple(fitting)))


def to_plain(markdown: str) -> Text:
    """The Markdown source unconverted, if Telegram refuses every other form."""
    return Text(markdown)


def to_quote(plain: str) -> Text:
    """An expandable quote."""
    return Text(plain, (MessageEntity(MessageEntity.EXPANDABLE_BLOCKQUOTE, 0, utf16_len(plain)),))


def limit_share(content: Content) -> float:
    """How much of a message's limits the content uses; above 1 it doesn't fit."""
    if isinstance(content, Rich):
        return max(len(content.html.encode()) / RICH_LIMIT, len(_BLOCK.findall(content.html)) / RICH_BLOCKS)
    return max(utf16_len(content.text) / TEXT_LIMIT, len(content.entities) / TEXT_ENTITIES)


def drop_entities(content: Text) -> Text:
    """Drop entities beyond the limit: decoration first, from the end; links never."""
    surplus = len(content.entities) - TEXT_ENTITIES
    dropped = set[int]()
    for kind in _DECORATION:
        indexes = [index for index, entity in enumerate(content.entities) if entity.type == kind]
        dropped.update(indexes[len(indexes) - min(len(indexes), max(0, surplus - len(dropped))) :])
    return Text(content.text, tuple(entity for index, entity in enumerate(content.entities) if index not in dropped))


def _config() -> RenderConfig:
    """No emoji before headings; the text is what the model wrote."""
    config = RenderConfig.isolated()
    symbols = config.markdown_symbol
    symbols.heading_level_1 = symbols.heading_level_2 = symbols.heading_level_3 = symbols.heading_level_4 = ""
    symbols.unordered_list_item = "•"
    symbols.ordered_list_suffix = DELIMITER
    return config


def is_sent_rich(answer: str, reply_format: str) -> bool:
    """The form of a whole answer: the same for all parts, and the same after a restart."""
    if reply_format != "auto":
        return reply_format == "rich"
    return _MAY_HOLD_ANY.search(answer) is not None and _holds_table_or_formula(answer)


def _holds_table_or_formula(answer: str) -> bool:
    try:
        return _TABLE_OR_FORMULA.search(to_rich(answer).html) is not None
    except Exception as exc:  # noqa: BLE001  # the reply must arrive, whatever bug the converter has
        log.error("An answer could not be converted: %s", type(exc).__name__)
        return False


class Conversions:
    """Runs conversions. `at_work` wraps each, to find out afterwards which one killed the process."""

    def __init__(self, at_work: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._at_work = at_work
        self._one = asyncio.Lock()

    async def do(self, size: int, convert: Callable[[], T], otherwise: Callable[[], T]) -> T:
        """Convert a text of `size` characters; `otherwise` is used if that takes too long."""
        if size <= SHORT:
            return convert()
        async with self._one:
            try:
                with self._at_work():
                    async with asyncio.timeout(LONGEST_S):
                        return await asyncio.to_thread(convert)
            except TimeoutError:
                log.error("A text of %d characters took more than %.0f s to convert", size, LONGEST_S)
        return otherwise()


def mark_literals(content: Rich | Text, literals: Collection[str]) -> Rich | Text:
    """The content with every occurrence of these words as code, within the entity limit."""
    if isinstance(content, Rich) or not literals:
        return content
    marks = (entity for word in dict.fromkeys(literals) for entity in _marks(content.text, word))
    left = max(0, TEXT_ENTITIES - len(content.entities))
    return replace(content, entities=(*content.entities, *islice(marks, left)))


def add_mention(content: Rich | Text, user_id: int, name: str) -> Rich | Text:
    """The content with the name at its beginning as a mention, which needs no @username."""
    if isinstance(content, Rich) or not content.text.startswith(name):
        return content
    mention = MessageEntity(MessageEntity.TEXT_MENTION, 0, _units(name), user=User(user_id, name, is_bot=False))
    return replace(content, entities=(mention, *content.entities))


def _marks(text: str, word: str) -> Iterator[MessageEntity]:
    at, done, units = text.find(word), 0, 0
    while at >= 0 and word:
        units += _units(text[done:at])
        yield MessageEntity(MessageEntity.CODE, units, _units(word))
        at, done = text.find(word, at + len(word)), at


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
