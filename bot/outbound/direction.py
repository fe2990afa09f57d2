"""Which way a rich message is read."""

import re

_UNREAD = re.compile(
    r"<(pre|code|tg-math-block|tg-math)\b[^<>]*+>[^<]*+(?:<(?!/\1>)[^<]*+)*+(?:</\1>|\Z)|<[^<>]*+>|&[a-z]+;"
)
"""Code and formulas are read from left to right in every language."""
_RTL = re.compile(r"[\u05d0-\u05f2\u0620-\u065f\u066e-\u06d5\u06ee\u06ef\u06fa-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


def reads_rtl(html: str) -> bool:
    """Whether most of its letters are Arabic, Hebrew, or of another script from right to left."""
    if not _RTL.search(html):
        return False
    text = _UNREAD.sub(" ", html)
    from_right = len(_RTL.findall(text))
    return 2 * from_right > from_right + sum(map(str.isalpha, _RTL.sub("", text)))
