"""What model servers and gateways answer when they refuse, as they word it; the table is in ``refusals.jsonl``."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot import errors
from bot.errors import ModelError

OPENAI = "https://api.openai.com/v1"
DASHSCOPE = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"


@dataclass(frozen=True)
class Refusal:
    kind: type[ModelError]
    """What it is to us."""
    status: int
    url: str
    content: bytes


def refusals() -> Iterator[Refusal]:
    """Every refusal, its body as it comes over the line."""
    for line in Path(__file__).with_suffix(".jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        body = row["body"]
        content = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        yield Refusal(getattr(errors, row["kind"]), row["status"], row["url"], content.encode())
