"""The error of token counts: uncorrected, and after three turns whose prompts the server reported.

The server here counts with Qwen's vocabulary, and in a second table with twice as many tokens, as a model with another
vocabulary might. The count is that of a bot without any vocabulary.
"""

import tiktoken

from bot.conversation.tokens import MESSAGE_TOKENS, estimate, qwen_encoding
from bot.conversation.usage_recorder import token_ratio

TURNS = 3
SYSTEM = "You are Keepsake, a helpful companion in a Telegram chat. Answer in the user's language."
SAMPLES = {
    "English": (
        "We walked down to the harbour after breakfast, and my brother insisted on taking the old ferry across.",
        "That sounds lovely! Was it as cold as last year, or did you get lucky with the weather this time?",
        "Colder. By noon we had found a small place where they serve fish soup with saffron, and stayed till 3.",
        "Saffron in fish soup is a classic. Would you like a recipe that you can make at home on Thursday?",
        "Yes please, for four people, and nothing that takes longer than 45 minutes.",
    ),
    "Chinese": (
        "早饭后我们走到港口,哥哥坚持要坐那艘老渡轮过去。",
        "听起来真不错!天气和去年一样冷吗,还是这次运气比较好?",
        "更冷。中午我们找到一家小店,那里有加藏红花的鱼汤,一直待到三点。",
        "藏红花鱼汤是经典的做法。要不要我给你一个周四在家就能做的食谱?",
        "好的,四个人的份量,不要超过四十五分钟。",
    ),
    "Russian": (
        "После завтрака мы спустились к гавани, и брат настоял на том, чтобы переправиться на старом пароме.",
        "Звучит прекрасно! Было так же холодно, как в прошлом году, или с погодой на этот раз повезло?",
        "Холоднее. К полудню мы нашли маленькое кафе, где подают рыбный суп с шафраном, и сидели там до трёх.",
        "Шафран в рыбном супе — это классика. Хотите рецепт, который можно приготовить дома в четверг?",
        "Да, на четверых, и чтобы это заняло не больше 45 минут.",
    ),
    "code": (
        "def tail(sizes: list[float], most: float) -> int:\n    kept = 0\n    for size in reversed(sizes):",
        "```python\n        if kept and length + size > most:\n            break\n        kept += 1\n```",
        'SELECT id, role FROM turns WHERE chat_id = ? AND id > 12345 ORDER BY id DESC LIMIT 20;\n{"n": 3}',
        "```sql\nCREATE INDEX turns_by_chat ON turns (chat_id, id);\nEXPLAIN QUERY PLAN SELECT 1;\n```",
        "for n in range(10):\n    print(n ** 2, end=', ')",
    ),
}


def main() -> None:
    """Print both tables."""
    encoding = qwen_encoding()
    if encoding is None:
        print("tokens: dashscope is not installed, so there is nothing to compare the estimate with")
        return
    print("how far the estimate of a prompt's tokens is off       uncorrected   after 3 turns")
    for server, factor in (("Qwen's vocabulary", 1.0), ("twice as many tokens", 2.0)):
        for language, said in SAMPLES.items():
            before, after = _measured(said, encoding, factor)
            print(f"  {server:22} {language:10} {before:30.1%} {after:15.1%}")


def _measured(said: tuple[str, ...], encoding: tiktoken.Encoding, factor: float) -> tuple[float, float]:
    """The error of an uncorrected count, and of the fourth prompt after corrections from three reports."""

    def true(text: str) -> float:
        return factor * len(encoding.encode_ordinary(text))

    ratio, first = 1.0, 0.0
    for turn in range(TURNS + 1):
        prompt = [SYSTEM, *(said * 3)[: 2 * turn + 1]]
        counted = sum(map(estimate, prompt))
        reported = sum(true(text) + MESSAGE_TOKENS for text in prompt)
        error = ratio * counted / reported - 1
        first = error if turn == 0 else first
        ratio = token_ratio(round(reported), counted) or ratio
    return first, error


if __name__ == "__main__":
    main()
