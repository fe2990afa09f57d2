"""Notes are told from refusals by their form, in any language, and lose whole lines when they are too long."""

import pytest

from bot.conversation.memory_text import cut_to_size, is_memory
from bot.conversation.tokens import estimate

NOTES = [
    "## People\nAnn sails.",
    "- Ann sails.",
    "* Ann sails.",
    "• Анна ходит под парусом",
    "— Анна живёт в Риге\n— Пётр её брат",
    "-Анна живёт в Риге",
    "1. Ann sails",
    "1)Ann sails",
    "١. آنا تحب الإبحار",
    "१) आन को नाव पसंद है",
    "一、安娜住在里加",
    "1、安娜住在里加",
    "(1) 安娜住在里加",
    "① 안나는 리가에 산다",
    "・アンナはリガに住んでいる",
    "**Люди:**\nАнна, моряк",
    "**Factos**:\nAna vive em Riga",
    "【人物】\n安娜住在里加",
    "Люди\n====\nАнна, моряк",
    "Here are the notes:\n\n### Facts\n\nAnn sails.",
    "```\n## Henkilöt\n- Anna purjehtii\n```",
    "- **Ann**: sails",
    "- [x] boat bought",
    "**Люди:** Анна, моряк\n**Факты:** живёт в Риге",
    "**Люди**: Анна\n\n**Факты** — живёт в Риге",
    "✅ Ann sails\n✅ Ann lives in Riga",
    "🔹 آنا تبحر\n🔹 آنا تسكن ريغا",
    "→ Ann sails\n→ Ann lives in Riga",
    "| Who | What |\n|---|---|\n| Ann | sails |",
    "가. 안나는 리가에 산다",
    "ㆍ안나는 리가에 산다\nㆍ배를 탄다",
]
REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "I'm sorry, but I can't summarise this conversation.\n\nIs there something else I can do for you?",
    "Извините, я не могу выполнить эту просьбу.",
    "抱歉,我无法协助处理这个请求。",
    "Lo siento, pero no puedo ayudar con eso. Si quieres, hablemos de otra cosa:\n\npregunta lo que quieras.",
    "عذرًا، لا يمكنني المساعدة في ذلك.",
    "ขออภัย ฉันไม่สามารถช่วยเรื่องนี้ได้",
    "I can't do that.\n\n---\n\nAs an AI, I don't keep notes.",
    "**I can't help with that.**",
    "No. 5 is alive, but I can't help.",
    "2023 was a good year, but I can't help.",
    "*sighs* I can't help with that.",
    "3.14 is pi, but I can't help.",
    "😔 I'm sorry, but I can't help with that.",
    "❌ I can't do that.\n\nIs there something else?",
    "**Note:** I can't help with that.",
    "**I'm sorry**, but I can't.\n\n**That** would be wrong.",
    "<think>\nThey ask for notes.\n</think>\nI can't help with that.",
    "## ",
    "",
]


@pytest.mark.parametrize("text", NOTES)
def test_notes_of_any_language_are_notes(text: str) -> None:
    assert is_memory(text)


@pytest.mark.parametrize("text", REFUSALS)
def test_refusals_of_any_language_are_no_notes(text: str) -> None:
    assert not is_memory(text)


def test_whole_lines_of_every_section_are_kept() -> None:
    text = "\n".join(
        f"## {name}\n" + "\n".join(f"- {name} {n}, a line of some words" for n in range(40)) for name in "ABC"
    )
    kept = cut_to_size(text, 200, estimate)
    assert 100 < estimate(kept) <= 200
    assert set(kept.split("\n")) < set(text.split("\n"))
    assert all(f"- {name} 0, a line of some words" in kept for name in "ABC")
    assert kept.index("## A") < kept.index("- A 1") < kept.index("## B")


def test_too_long_line_is_skipped() -> None:
    kept = cut_to_size("## A\n- " + "word " * 2000 + "\n- short", 100, estimate)
    assert kept == "## A\n- short"


@pytest.mark.parametrize("line", ["- " + "слово " * 2000, "- " + "长" * 9000, "- " + "a" * 30_000])
def test_of_one_endless_line_the_beginning_is_kept(line: str) -> None:
    kept = cut_to_size(line, 100, estimate)
    assert 40 < estimate(kept) <= 100
    assert line.startswith(kept.removesuffix("…"))
