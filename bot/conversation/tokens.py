"""How many tokens a text has, without asking anyone.

tiktoken's own encodings are downloaded at run time and a bot must start without that, so the vocabulary is Qwen's, out
of the installed ``dashscope`` package (extra: ``qwen``), or else an estimate by classes of characters.
"""

import base64
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import tiktoken

# The pre-tokenizer of Qwen's published tokenizer (its pattern is part of the vocabulary's definition).
_QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
MESSAGE_TOKENS = 5
"""What a message costs on top of its text: its role and delimiters in Qwen's chat template."""

TokenCounter = Callable[[str], int]


def counter() -> TokenCounter:
    """The best counter that this machine has; reading the vocabulary takes about half a second."""
    encoding = qwen_encoding()
    return estimate if encoding is None else lambda text: len(encoding.encode_ordinary(text)) + MESSAGE_TOKENS


def qwen_encoding() -> tiktoken.Encoding | None:
    """Qwen's vocabulary, where its package is installed."""
    ranks = _qwen_ranks()
    if ranks is None:
        return None
    return tiktoken.Encoding("qwen", pat_str=_QWEN_PATTERN, mergeable_ranks=ranks, special_tokens={})


def estimate(text: str) -> int:
    """Tokens by classes of characters: 4 ASCII characters, 2.4 of other alphabets, 1.6 CJK signs."""
    cjk = len(re.findall(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", text))
    latin = len(re.findall(r"[\x00-\x7f]", text))
    return MESSAGE_TOKENS + round(latin / 4 + (len(text) - cjk - latin) / 2.4 + cjk / 1.6)


def _qwen_ranks() -> dict[bytes, int] | None:
    spec = find_spec("dashscope")
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).parent / "resources" / "qwen.tiktoken"
    if not file.exists():
        return None
    pairs = (line.split() for line in file.read_bytes().splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in pairs}
