"""The notes that the stand-in writes."""

import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam

Messages = list[ChatCompletionMessageParam]
FORM = "Write notes. Use these headings:\n\n## People\nWho takes part.\n## Decisions\nWhat was agreed."


async def written(client: AsyncOpenAI, *said: str) -> str:
    messages: Messages = [{"role": "system", "content": "My rules."}]
    for text in said:
        messages += [{"role": "user", "content": text}, {"role": "assistant", "content": "I like my answer."}]
    messages.append({"role": "user", "content": FORM})
    answer = await client.chat.completions.create(model="m", messages=messages)
    return str(answer.choices[0].message.content)


async def test_notes_are_what_people_said_of_themselves(client: AsyncOpenAI) -> None:
    said = "[Mon 2026-11-30 14:25] Hello! I have a dog. He is brown.", "What is my dog called?", "Ann: My cat is old"
    assert await written(client, *said) == "## People\n- “I have a dog.”\n- “Ann: My cat is old”"


async def test_earlier_notes_are_kept_once(client: AsyncOpenAI) -> None:
    assert await written(client, "Your notes:\n- “I have a dog.”\n\nI have a dog.", "We met on May 3.") == (
        "## People\n- “I have a dog.”\n- “We met on May 3.”"
    )


async def test_notes_stay_short(client: AsyncOpenAI) -> None:
    found = await written(client, *(f"I like number {count}." for count in range(30)), f"I am {'very ' * 20}happy.")
    assert found.splitlines()[1:] == [f"- “I like number {count}.”" for count in range(20, 30)]


@pytest.mark.parametrize("said", ["Hello!", "What is the capital of France?"])
async def test_without_anything_to_note_it_says_so(client: AsyncOpenAI, said: str) -> None:
    assert (await written(client, said)).startswith("## People\n- I am a stand-in for a model")
