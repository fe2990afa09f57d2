"""That a prompt has more pictures than the server takes, out of its words, and how many it takes."""

import re

MOST = 5000
"""Larger numbers count something else."""
_PICTURES = r"(?:images?|pictures?|photos?|image_urls?|image (?:inputs?|items?|parts?|urls?|files?|blocks?)|media (?:items?|files?))(?:\(s\))?"
_NUMBER = r"(?:(?!0\b)\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten|a single)"
_BOUND = (
    r"(?:at most|at the most|up to|no more than|not more than|more than|fewer than|less than|only|just|exceed\w*|over|beyond|within"
    r"|max(?:imum)?(?: (?:is|are|of|number|count|limit|allowed))*|limit(?:ed)?(?: (?:is|of|to))*|supports?|allows?|accepts?|allowed|takes?|process)"
)
_PLAIN = (
    rf"too many (?:\w+ ){{0,3}}{_PICTURES}(?! (?:tokens|pixels|bytes|requests))|too many (?:media|multi-?modal)|too much media"
    r"|(?:图片|图像|照片|画像).{0,6}(?:过多|太多|多すぎ)"
    r"|demasiad[ao]s (?:im[aá]genes|fotos)|trop d.images|zu viele bilder|слишком много (?:изображений|картинок|фото)"
)
_COUNTED = (
    rf"{_BOUND}:? (?:the )?{_NUMBER} (?:\w+ ){{0,2}}{_PICTURES}(?! (?:tokens|pixels))",
    rf"(?:number|count|amount|quantity) of (?:\S+ ){{0,3}}?{_PICTURES}.{{0,50}}(?:exceed|must|limit|greater|larger|higher|max|at most|too|over|above|fewer|less|<|>)",
    rf"max(?:imum)?(?: allowed)? (?:number|count|amount|quantity) of (?:\S+ ){{0,3}}?{_PICTURES}",
    r"(?:exceed\w*|over|above|reached|hit|beyond) (?:\S+ ){0,4}?(?:images?|pictures?|photos?)[ _](?:count|limit|quota|number)",
    r"(?:images?|pictures?|photos?)[ _](?:count|number|limit|quota)s?\b.{0,40}(?:exceed|reached|max|limit|must|too|larger|greater|over|above|at most|>)",
    rf"\b{_NUMBER} {_PICTURES}.{{0,60}}(?:exceed|maximum|max\b|limit|at most|allowed|no more|more than|up to|only supports?|> ?\d|can be)",
    rf"(?:max|limit|at most|up to|exceed)\w*[^.]{{0,40}}{_PICTURES} (?:per|in (?:a|one|each)) (?:\w+ )?(?:request|prompt|message|call|conversation|input)",
    rf"only (?:\w+ ){{0,2}}{_PICTURES} (?:per|in (?:a|one|each)) (?:\w+ )?(?:request|prompt|message|call)|multiple images (?:are |is )?not (?:supported|allowed)",
    r"limit[-_]mm[-_]per[-_]prompt",
    r"max_(?:num_)?images\w*\b.{0,40}(?:exceed|>|but|reached)",
    r"(?:图片|图像|照片|画像)(?:的)?(?:数量|张数|个数|数目|枚数|数).{0,14}(?:超|过多|限制|最多|不能|上限|大于)|(?:图片|图像|照片|画像).{0,6}(?:过多|太多|多すぎ|最多)",
    r"最多.{0,8}\d+\s*(?:张|幅|个图)|超(?:过|出).{0,8}\d+\s*张",
)
_NONE = r"(?:at most|image=|max\w*(?: of| is)?:?|up to|limit (?:of|is)) ?(?:0|zero)\b"
"""It is blind."""
_SIZES = r"\b(?:[kmg]i?b|(?:kilo|mega)?bytes?|(?:mega)?pixels?|px|dimensions?|resolution|aspect ratio|too (?:large|big|small))\b"
"""It is the size of a picture that is refused, where it is not said that there are too many."""
TOO_MANY = re.compile(f"{_PLAIN}|\\A(?!.*{_SIZES})(?!.*{_NONE}).*?(?:{'|'.join(_COUNTED)})", re.DOTALL)
"""That fewer pictures would be taken, in small letters."""

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_COUNT = re.compile(rf"(?<![a-z0-9_.-])(\d{{1,4}}|{'|'.join(_WORDS)}|a single)(?![a-z0-9_]|[.,]\d)")
_BEFORE = re.compile(
    r"at most|at the most|up to|no more than|not more than|(?:more|fewer|less|greater|larger|higher) than|\bonly\b|\bjust\b|exceed\w*|\bover\b"
    r"|\bbeyond\b|within|max\w*|limit\w*|support\w*|allow\w*|accept\w*|\btakes?\b|process\w*|>=?|<=?|≤|\bimage ?[=:]|最多|超过|超出|上限|限制|不能多于|至多"
)
_GIVEN = re.compile(
    r"(?:contain\w*|passed|provided|sent|got|given|received|found|has|have|had|with|request\w*|your|you|but|current\w*|actual\w*|\+)[^.;\d]*$"
)
_UNDER = re.compile(r"(?:fewer|less|lower) than|(?<![<>])<(?!=)")
_AFTER = re.compile(
    rf"^\s*(?:{_PICTURES})?[\s,)]*(?:(?:is|are) (?:the )?)?(?:max|limit\b|allowed|or (?:fewer|less)|can be|at most|per (?:request|prompt|message))"
)
_OTHER_UNIT = re.compile(r"^\s?(?:[kmg]i?b\b|bytes?|pixels?|px|tokens?|%|seconds?|documents?|pages?|videos?|audios?)")


def told_most(words: str) -> int | None:
    """How many pictures a prompt may have, as these words (in small letters) say; None: they don't."""
    found, end = [], 0
    for match in _COUNT.finditer(words):
        before, after = words[max(end, match.start() - 60) : match.start()], words[match.end() : match.end() + 40]
        end = match.end()
        count = _value(match[1])
        if count > MOST or _OTHER_UNIT.search(after):
            continue
        bound = max((one.end() for one in _BEFORE.finditer(before)), default=0)
        if (bound and not _GIVEN.search(before[bound:])) or _AFTER.search(after):
            found.append(count - 1 if _UNDER.search(before[-20:]) else count)
    return min((count for count in found if count >= 0), default=None)


def _value(word: str) -> int:
    return int(word) if word.isdecimal() else 1 if word == "a single" else _WORDS.index(word)
