"""The signs of a box, which GLM's models put around what they answer, and which many servers hand on."""

import re

_SIGN = re.compile(r"(?<!`)<\|(?:begin|end)_of_box\|>(?!`)")
_BEGUN = re.compile(r"(?:(?<!`)`{1,2}|`?<(?:\|[a-z_]{0,13}(?:\|>?)?)?)\Z")
"""What may be a sign, or the beginning of one or of a fence."""
_FENCE = "```"


class Boxes:
    """Takes them out of one answer, but for code, and for those in backticks, which are spoken of."""

    def __init__(self) -> None:
        self._held = ""
        self._in_code = False

    def without(self, piece: str, *, last: bool) -> str:
        """The piece without them; what can't be told yet comes with the next one."""
        text = self._held + piece
        held = None if last else _BEGUN.search(text, max(len(text) - 20, 0))
        at = held.start() if held else len(text)
        text, self._held = text[:at], text[at:]
        first, *further = text.split(_FENCE)
        told = [first if self._in_code else _SIGN.sub("", first)]
        for part in further:
            self._in_code = not self._in_code
            told.append(part if self._in_code else _SIGN.sub("", part))
        return _FENCE.join(told)
