"""Whether an answer goes out as a rich message.

Some apps show a rich message blank, or as something that they don't support, while the Bot API says ok: nothing falls
back then. A text with entities is readable everywhere, so an answer is one unless it holds what text can't show.
"""

import logging
import re
from typing import Literal

from bot.outbound.convert import to_rich

ReplyFormat = Literal["auto", "rich", "text"]
"""`auto`: text, but rich where an answer holds a table or a formula; `rich` and `text`: always that."""

_MAY_HOLD_ANY = re.compile(r"\|[ \t]*:?-|-:?[ \t]*\||\$|\\[(\[]|(?:`{3}|~{3})[ \t]*math", re.IGNORECASE)
"""Without one of these there is neither, and nothing has to be converted to know."""
_TABLE_OR_FORMULA = re.compile(r"<table\b|<tg-math(?:-block)?>[^<]*[^\d\s.,+%<-]")
"""In the HTML of a rich message. A sum of money between dollars, which is but a number, is no formula."""

log = logging.getLogger(__name__)


def goes_rich(answer: str, reply_format: str) -> bool:
    """The form of a whole answer: the same for each of its parts, and the same after a restart."""
    if reply_format != "auto":
        return reply_format == "rich"
    return _MAY_HOLD_ANY.search(answer) is not None and _holds_table_or_formula(answer)


def _holds_table_or_formula(answer: str) -> bool:
    try:
        return _TABLE_OR_FORMULA.search(to_rich(answer).html) is not None
    except Exception as exc:  # noqa: BLE001  # whatever ails the converter, the reply must arrive
        log.error("An answer could not be converted: %s", type(exc).__name__)
        return False
