"""Token counts of texts, images and sounds, computed locally.

tiktoken downloads its encodings at run time, and the bot must start without that. The vocabulary is Qwen's, from the
installed ``dashscope`` package (extra: ``qwen``); for OpenAI's models their own if tiktoken has cached it; otherwise an
estimate by character classes. Reported usage corrects all of them (see ``usage_recorder``).

`describe_length` converts tokens to words or characters, the units in which a model is asked for a length.
"""

import hashlib
import os
import re
import tempfile
from binascii import a2b_base64
from collections.abc import Callable
from importlib.util import find_spec
from math import ceil
from pathlib import Path

import tiktoken

# The pre-tokenizer pattern of Qwen's published tokenizer, which is part of the vocabulary's definition.
_QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_OPENAI = re.compile(r"(.*/)?(gpt-|chatgpt-|o\d)")
_O200K = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
"""tiktoken's cache file is named by the hash of this URL: the vocabulary of OpenAI's models since GPT-4o."""
MESSAGE_TOKENS = 5
"""The overhead of a message: role and delimiters in Qwen's chat template."""
TokenCounter = Callable[[str], int]
_PIECE = re.compile(
    r"(?P<han>[\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])|(?P<kana>[\u3040-\u30ff])|(?P<hangul>[\uac00-\ud7af])"
    r"|(?P<accented>[A-Za-z]*[\u00c0-\u024f][A-Za-z\u00c0-\u024f]*)|(?P<latin>[A-Za-z]+)|(?P<word>[^\W\d_]+)"
    r"|(?P<digit>\d)|(?P<blank>\s+)|(?P<mark>[^\w\s]+)|(?P<other>_)"
)
_INDENT = re.compile(r"[ \t]{2,}")
_BLANK = 0.85
"""Tokens of a line break, including empty lines after it, and of an indent."""
_EACH = {"han": 0.65, "kana": 0.52, "hangul": 0.8, "digit": 1.0, "other": 0.5}
"""Tokens per such character."""
_COUNTED_AT_ONCE = 50_000
"""Characters encoded at a time: tiktoken's regex overflows its stack at some hundred thousand spaces, and panics."""
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)
"""Thai, Lao, Tibetan, Burmese, Khmer, Japanese and Chinese, where words can't be counted."""
UNSPACED_SHARE = 0.3
"""The share of such letters from which a text is measured in characters."""
LEAST_SAMPLE = 200
"""Fewer characters say too little about the language."""
MOST_SAMPLE = 6000
DENSER = 1.25
"""Memories consist of names, numbers and dates, and have more tokens per word than conversation."""
UNKNOWN = 2.0
"""Tokens per word without a sample: generous for English (1.3)."""


def make_counter(model: str) -> TokenCounter:
    """The best available counter for a model; reading a vocabulary takes about half a second."""
    encoding = _cached_o200k() if _OPENAI.match(model.lower()) else None
    encoding = encoding or qwen_encoding()
    return estimate if encoding is None else lambda text: _encoded(encoding, text) + MESSAGE_TOKENS


def _encoded(encoding: tiktoken.Encoding, text: str) -> int:
    """The tokens of a text of any length, encoded in parts that begin at whitespace where possible."""
    counted = start = 0
    while len(text) - start > _COUNTED_AT_ONCE:
        end = start + _COUNTED_AT_ONCE
        end = max(text.rfind(" ", end - 100, end), text.rfind("\n", end - 100, end), end - 100)
        counted += len(encoding.encode_ordinary(text[start:end]))
        start = end
    return counted + len(encoding.encode_ordinary(text[start:]))


def estimate(text: str) -> int:
    """Estimate tokens by character classes, fitted to Qwen's vocabulary.

    The error is within 8 % for a page of English, Chinese, Russian, German, Spanish, Japanese, code or Markdown, and
    within 20 % for a single sentence.
    """
    total, latin, letters, accented = 0.0, 0, 0, 0
    for piece in _PIECE.finditer(text):
        kind, length = piece.lastgroup or "", len(piece[0])
        if kind == "latin":
            latin, letters = latin + 1, letters + length
            total += 1 + max(0, length - 8) * 0.15
        elif kind == "accented":
            accented += 1
            total += max(1.2, length / 2.6)
        elif kind == "word":
            total += max(1.0, 0.6 + length / 3.3)
        elif kind == "mark":
            total += max(0.9, 0.45 * length) if piece[0].isascii() else 1.2 * length
        elif kind == "blank":
            total += _BLANK * _blanks(piece[0])
        else:
            total += _EACH[kind]
    if accented * 25 > latin:  # not English, whose words are mostly single tokens
        total += 0.85 * max(0.0, letters / 3.1 - latin)
    return MESSAGE_TOKENS + round(total)


def _blanks(run: str) -> int:
    """The units of a run of whitespace: its line breaks as one, plus each indent after them."""
    _, broken, indent = run.rpartition("\n")
    return bool(broken) + len(_INDENT.findall(indent))


def image_tokens(width: int, height: int, patch: int = 32) -> int:
    """Tokens of an image in pixels: one per patch, plus two delimiters.

    Alibaba Cloud Model Studio: patches of 32 x 32 pixels for Qwen3-VL, 28 x 28 for Qwen2.5-VL; partial patches count.
    """
    return ceil(width / patch) * ceil(height / patch) + 2


def audio_tokens(seconds: float, per_second: float = 25.0) -> int:
    """Tokens of a sound; less than a second counts as one.

    Alibaba Cloud Model Studio: 25 tokens per second for Qwen-Omni-Turbo and Qwen-Audio, 12.5 for Qwen3-Omni-Flash.
    """
    return ceil(max(1.0, seconds) * per_second)


def qwen_encoding() -> tiktoken.Encoding | None:
    """Qwen's vocabulary if its package is installed. The package isn't imported, because that takes seconds."""
    spec = find_spec("dashscope")
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).parent / "resources" / "qwen.tiktoken"
    if not file.exists():
        return None
    fields = file.read_bytes().split()  # 150,000 lines at every start, so without a Python loop
    ranks = dict(zip(map(a2b_base64, fields[::2]), map(int, fields[1::2]), strict=True))
    return tiktoken.Encoding("qwen", pat_str=_QWEN_PATTERN, mergeable_ranks=ranks, special_tokens={})


def _cached_o200k() -> tiktoken.Encoding | None:
    folder = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR"))
    if folder is None:
        folder = str(Path(tempfile.gettempdir()) / "data-gym-cache")
    name = hashlib.sha1(_O200K.encode(), usedforsecurity=False).hexdigest()
    return tiktoken.get_encoding("o200k_base") if folder and (Path(folder) / name).exists() else None


def describe_length(most_tokens: int, sample: str, count_tokens: TokenCounter) -> str:
    """A number of tokens as words or characters, based on a sample of the text."""
    text = sample[-MOST_SAMPLE:]
    letters = sum(map(str.isalpha, text))
    if letters < LEAST_SAMPLE:
        return f"{int(most_tokens / UNKNOWN)} words"
    tokens = count_tokens(text) - MESSAGE_TOKENS
    if len(_UNSPACED.findall(text)) > UNSPACED_SHARE * letters:
        tokens_per_unit = tokens / sum(not char.isspace() for char in text)
        return f"{int(most_tokens / max(tokens_per_unit * DENSER, 0.1))} characters"
    tokens_per_unit = tokens / len(text.split())
    return f"{int(most_tokens / max(tokens_per_unit * DENSER, 1.0))} words"
