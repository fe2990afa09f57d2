"""The tools that a chat's requests offer, as the model reads them."""

import json
from collections.abc import Sequence

from bot.conversation.tokens import TokenCounter
from bot.llm.interface import Tool

RECALL = Tool(
    "recall",
    "Search what was said in this conversation before the part that you can see. Only when you need it for the answer, "
    "and it is not in front of you.",
    "query",
    "The words to search for, in the language of the conversation.",
)
REMEMBER = Tool(
    "remember",
    "Put one fact into your notes about this conversation, which you see from then on. Only when somebody asks you to "
    "remember something; all else is noted without you.",
    "text",
    "The fact, in one sentence that says who is meant.",
)


def tokens(tools: Sequence[Tool], count_tokens: TokenCounter) -> int:
    """What the definitions take in the prompt, by our own count."""
    return sum(count_tokens(f"{tool.name} {tool.purpose} {json.dumps(tool.parameters)}") for tool in tools)
