"""A piece of markdown as the content of one message, in each of the forms, and how much of a message it fills."""

import re

from telegram import MessageEntity
from telegramify_markdown import RenderConfig, convert, richify, utf16_len

from bot.outbound.breaks import MARK
from bot.outbound.content import Content, Rich, Text
from bot.outbound.direction import reads_rtl
from bot.outbound.markdown import prepare
from bot.outbound.numbering import DELIMITER, as_delimited, with_delimiters, with_values
from bot.outbound.unspaced import JOINT, without_joints

RICH_LIMIT = 32_768
"""Characters of a rich message. Counted here in bytes of its HTML, which is always more."""
RICH_BLOCKS = 500
TEXT_LIMIT = 4096
"""UTF-16 units."""
TEXT_ENTITIES = 100
"""Further ones are dropped without a word, and with them their links."""

_DECORATION = (MessageEntity.UNDERLINE, MessageEntity.ITALIC, MessageEntity.BOLD, MessageEntity.CODE)
"""What a text can do without, the least first."""
_BLOCK = re.compile(r"<(?:p|h[1-6]|pre|blockquote|ul|ol|li|table|tr|hr|tg-math-block)\b")


def to_rich(markdown: str) -> Rich:
    """As a rich message."""
    prepared = prepare(markdown, as_text=False)
    html = with_values(richify(prepared).html or "", prepared).replace(MARK, "<br/>").replace(JOINT, "")
    return Rich(html, is_rtl=reads_rtl(html))


def to_text(markdown: str) -> Text:
    """As a text with entities, for servers that have no rich messages."""
    prepared = prepare(markdown, as_text=True)
    text, entities = convert(with_delimiters(prepared), latex_escape=False, config=_config())
    text = as_delimited(text, prepared).replace(MARK, "\n").rstrip()
    units = utf16_len(text)
    fitting = (
        MessageEntity(one.type, one.offset, min(one.length, units - one.offset), url=one.url, language=one.language)
        for one in entities
        if one.offset < units
    )
    return without_joints(Text(text, tuple(fitting)))


def to_plain(markdown: str) -> Text:
    """As it was written: what Telegram refuses in every other form."""
    return Text(markdown)


def to_quote(plain: str) -> Text:
    """As a quote that can be folded."""
    return Text(plain, (MessageEntity(MessageEntity.EXPANDABLE_BLOCKQUOTE, 0, utf16_len(plain)),))


def share(content: Content) -> float:
    """How much of a message's limits the content takes up; above 1 it does not fit."""
    if isinstance(content, Rich):
        return max(len(content.html.encode()) / RICH_LIMIT, len(_BLOCK.findall(content.html)) / RICH_BLOCKS)
    return max(utf16_len(content.text) / TEXT_LIMIT, len(content.entities) / TEXT_ENTITIES)


def thinned(content: Text) -> Text:
    """The text with as many entities as a message takes: decoration goes first, from the end; a link never does."""
    surplus = len(content.entities) - TEXT_ENTITIES
    dropped = set[int]()
    for kind in _DECORATION:
        places = [place for place, one in enumerate(content.entities) if one.type == kind]
        dropped.update(places[len(places) - min(len(places), max(0, surplus - len(dropped))) :])
    return Text(content.text, tuple(one for place, one in enumerate(content.entities) if place not in dropped))


def _config() -> RenderConfig:
    """Without the converter's emoji before headings; in the text stands what the model wrote."""
    config = RenderConfig.isolated()
    symbols = config.markdown_symbol
    symbols.heading_level_1 = symbols.heading_level_2 = symbols.heading_level_3 = symbols.heading_level_4 = ""
    symbols.unordered_list_item = "•"
    symbols.ordered_list_suffix = DELIMITER
    return config
