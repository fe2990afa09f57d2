"""Whether all that is not ASCII in a text are signs that stand where such signs stand: prices, quotes, bullets.

A list of prices in euros is ASCII but for one byte, of which neither letters nor a detector tell anything. The same
byte is a letter in other tables, but then it would stand within a word.
"""

import re

_PLACES = (
    r"(?m:^[ \t]*)[•·–—]",
    r"(?<=\s)[–—•|·](?=\s)",
    r"(?<=[0-9])[–×÷±](?=[0-9])",
    r"(?<![A-Za-z])[€£¥₪][ \xa0]?(?=[0-9])",
    r"(?<=[0-9])[ \xa0]?[€£¥₪](?![A-Za-z])",
    r"(?<![A-Za-z])§{1,2}[ \xa0]?(?=[0-9])",
    r"(?<![A-Za-z])[©№][ \xa0]?(?=[0-9])",
    r"(?m:^|(?<=[;,\t]))№(?=[;,\t ]|$)",
    r"(?<=[0-9])[ \xa0]?°(?![a-z])",
    r"(?<![A-Za-z])[±×÷][ ]?(?=[0-9])",
    r"(?<=[0-9\s])[½¼¾](?![A-Za-z])",
    r"(?<=[A-Za-z0-9])[²³®™](?![a-z])",
    r"(?<=[0-9])[ ]?µ(?=[A-Za-z])",
    r"(?<=[A-Za-z])’(?=(?:s|t|re|ll|ve|d|m)\b)",
    r"\b(?:[cdjlmnst]|qu)’(?=[a-z])",
    r"(?<=[a-z])…(?=\s|$)",
    r"(?<=[0-9])\xa0(?=[0-9%])",
)
_SIGNS = re.compile("|".join(_PLACES), re.IGNORECASE)
_QUOTED = re.compile(r"(?<![A-Za-z0-9])(?:“([^“”]*)”|„([^„“”]*)[“”]|«([^«»]*)»)(?![A-Za-z0-9])")


def are_signs(text: str) -> bool:
    """Whether nothing is left that is not ASCII when such signs are gone."""
    return _SIGNS.sub("", _QUOTED.sub(lambda found: found[0][1:-1].strip("\xa0"), text)).isascii()
