"""A measure of how implausible a text is: bytes decoded in the wrong encoding give themselves away.

They become control characters, box drawing, capitals inside words, mixed scripts in one word, rare ideographs. The
measure is a number of faults: one or more per non-ASCII byte is nonsense, a tenth of that is a text.
"""

import re
import unicodedata
from functools import lru_cache

_OPENING = frozenset("“‘«„‚‹¿¡")
_CLOSING = frozenset("”’»›…™®")
_NUMERIC = frozenset("€£¥°±×÷²³½¼¾µ§№¢·•–—©")
_RARE = frozenset("ÐÞðþÿŸƒµſªºˆ˜ЂЃђѓЉЊЌЋЏљњќћџЅѕ")
_FINALS = frozenset("ךםןףץς")
"""Final forms of letters, used only at the end of a word."""
_CYRILLIC_BY_USE = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"
_MEAN_PLACE, PLACE_WEIGHT, FEWEST = 10, 0.03, 8
"""In a text of this many letters the mean rank is about 8; in the wrong encoding 12 and more."""
_CASELESS = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "HALFWIDTH", "FULLWIDTH", "IDEOGRAPHIC"}
_EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC", "FULLWIDTH")
_LATIN_VOWELS = frozenset("aeiouyAEIOUYăâêôơưĂÂÊÔƠƯ")


_WORD = re.compile(r"[^\W\d_]{4,}")
_ACCENTED = re.compile("[À-ÖØ-öø-ɏ]{4,}")
"""More accented Latin letters in a row than any language has."""
_REPEATED = re.compile("([À-ÖØ-öø-ɏͰ-ӿ\u0590-\u0eff])\\1{3,}")
"""A letter that would be box drawing in the right encoding."""
_CYRILLIC_VOWELS = frozenset("аеёиоуыэюяіїєўѵАЕЁИОУЫЭЮЯІЇЄЎ")


def faults(text: str, language: str | None = None) -> float:
    """The faults of all non-ASCII characters; letters of `language` (ISO 639) are expected."""
    own = LETTERS.get(language or "", "")
    total = 0.0
    for at, char in enumerate(text):
        if char > "\x7f":
            before, after = text[at - 1] if at else " ", text[at + 1] if at + 1 < len(text) else " "
            total += _fault(char, before, after, own) + _surprise(char, own)
    strange = (*filter(_is_mute, _WORD.findall(text)), *_ACCENTED.findall(text))
    repeated = sum(found.end() - found.start() for found in _REPEATED.finditer(text))
    return total + 0.5 * (sum(map(len, strange)) + repeated) + _misplaced(text)


def _misplaced(text: str) -> float:
    """Faults for letters that are rare in Russian and its neighbours, if there are many."""
    places = [_CYRILLIC_BY_USE.index(char) for char in text.lower() if char in _CYRILLIC_BY_USE]
    return PLACE_WEIGHT * max(0.0, sum(places) - _MEAN_PLACE * len(places)) if len(places) >= FEWEST else 0.0


def _is_mute(word: str) -> bool:
    """A long word without vowels, as in the wrong Cyrillic encoding."""
    return script_of(word[0]) == "CYRILLIC" and _CYRILLIC_VOWELS.isdisjoint(word)


def _fault(char: str, before: str, after: str, own: str) -> float:
    category = unicodedata.category(char)
    if category in ("Cc", "Cn", "Co", "Cs") or char == "\ufffd":
        return 3.0
    if category[0] == "L":
        return _letter(char, category, before, after, own)
    if category[0] == "M":
        return _mark(char, before)
    return _sign(char, before, after)


def _letter(char: str, category: str, before: str, after: str, own: str) -> float:
    script = script_of(char)
    if script in _CASELESS:
        return _east_asian(char, script, before, after, own)
    rare = char in _RARE and char.lower() not in own and not (char in "ªºµ" and before.isdigit())
    found = 0.8 if rare else 0.0
    if any(neighbour.isalpha() and script_of(neighbour) not in (script, "ZERO") for neighbour in (before, after)):
        found += 1.5
    if before.isdigit() or after.isdigit():
        found += 0.3
    if char in _FINALS and script_of(after) == script:
        found += 1.0
    if category == "Lu" and before.islower():
        found += 1.5
    if category == "Ll" and (after.isupper() or (before.isupper() and before > "\x7f" and after.isupper())):
        found += 1.5
    return found


def _mark(char: str, before: str) -> float:
    """A combining accent or vowel sign belongs on a letter of its own script."""
    if script_of(char) == "COMBINING":
        return 0.0 if before in _LATIN_VOWELS else 1.5
    good = script_of(before) == script_of(char)
    return 0.0 if good else 1.5


def _sign(char: str, before: str, after: str) -> float:
    if "\u2500" <= char <= "\u259f":
        if before.isalnum() or after.isalnum():  # a bar may be on one side of a word
            return 2.0 if char not in "│║" or before.isalnum() == after.isalnum() else 0.5
        return 0.1 if char in (before, after) else 0.6
    if char == "\u2019" and before.isalpha():
        return 0.0
    if char in _OPENING:
        return 0.0 if (after.isalnum() or after in _OPENING) and not before.isalnum() else 1.0
    if char in _CLOSING:
        return 0.0 if not before.isspace() and not after.isalpha() else 1.0
    if char in _NUMERIC:
        return 1.5 if before.isalpha() and after.isalpha() else 0.1
    if script_of(char) in _CASELESS or "\u3000" <= char <= "\u303f" or "\uff00" <= char <= "\uffef":
        return 0.0
    return 0.2 if char == "\xa0" else 1.0


def _east_asian(char: str, script: str, before: str, after: str, own: str) -> float:
    if script == "HALFWIDTH":
        alone = not any(script_of(neighbour) == script for neighbour in (before, after))
        return 1.5 if alone else 0.1 if script in own else 0.4
    neighbours = {script_of(neighbour) for neighbour in (before, after) if neighbour > "\x7f" and neighbour.isalpha()}
    strange = 0.7 if neighbours - set(_EAST_ASIAN) else 0.0
    if script == "HANGUL":
        return strange + (0.0 if _is_in(char, "euc_kr", 0xB0, 0xC8) else 1.2) + (1.0 if "CJK" in neighbours else 0.0)
    if script == "CJK":
        return strange + (0.0 if _is_common(char) else 1.2)
    return strange


def _surprise(char: str, own: str) -> float:
    """A fault for a letter that the sender's language doesn't have."""
    if not own or not char.isalpha() or char.lower() in own:
        return 0.0
    script = script_of(char)
    if script in own.split():
        return 0.0
    return 0.35 if own[-1] > "\x7f" and script_of(own[-1]) == script else 0.1


@lru_cache(maxsize=4096)
def _is_common(char: str) -> bool:
    """Whether an ideograph is among those taught at school in China, Taiwan or Japan."""
    return _is_in(char, "gb2312", 0xB0, 0xD7) or _is_in(char, "big5", 0xA4, 0xC6) or _is_in(char, "euc_jp", 0xB0, 0xCF)


def _is_in(char: str, encoding: str, first: int, last: int) -> bool:
    try:
        return first <= char.encode(encoding)[0] <= last
    except UnicodeEncodeError:
        return False


@lru_cache(maxsize=4096)
def script_of(char: str) -> str:
    """The first word of a character's name, which for letters is their script."""
    return "LATIN" if char < "\x80" and char.isalpha() else unicodedata.name(char, "").partition(" ")[0].split("-")[0]


LETTERS = {
    "ru": "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
    "uk": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "be": "абвгдеёжзійклмнопрстуўфхцчшыьэюя",
    "bg": "абвгдежзийклмнопрстуфхцчшщъьюя",
    "sr": "абвгдђежзијклљмнњопрстћуфхцчџшčćđšž",
    "mk": "абвгдѓежзѕијклљмнњопрстќуфхцчџш",
    "zh": "CJK IDEOGRAPHIC FULLWIDTH",
    "ja": "CJK HIRAGANA KATAKANA IDEOGRAPHIC FULLWIDTH HALFWIDTH",
    "ko": "HANGUL FULLWIDTH",
    "es": "áéíóúüñ",
    "ca": "àéèíïóòúüç",
    "fr": "àâæçéèêëîïôœùûüÿ",
    "de": "äöüß",
    "it": "àèéìíîòóùú",
    "nl": "éëïóöüèêáíú",
    "pt": "áâãàçéêíóôõúü",
    "da": "æøåé",
    "nb": "æøåéòô",
    "sv": "åäöé",
    "fi": "äöåšž",
    "is": "áéíóúýþæöð",
    "pl": "ąćęłńóśźż",
    "cs": "áčďéěíňóřšťúůýž",
    "sk": "áäčďéíĺľňóôŕšťúýž",
    "hu": "áéíóöőúüű",
    "ro": "ăâîșțşţ",
    "hr": "čćđšž",
    "sl": "čšž",
    "tr": "çğıöşüâîûi̇",
    "az": "çəğıöşü",
    "el": "GREEK",
    "he": "HEBREW",
    "ar": "ARABIC",
    "fa": "ARABIC",
    "ur": "ARABIC",
    "th": "THAI",
    "vi": "ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ",
    "lt": "ąčęėįšųūž",
    "lv": "āčēģīķļņšūž",
    "et": "äõöüšž",
}
"""Non-ASCII letters, or whole scripts, of each language."""
