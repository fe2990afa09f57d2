"""Reasoning that a model writes into its answer, in ``<think>`` tags at the head, told apart while it streams.

Servers that know their model send it apart, as ``reasoning_content``; those that don't (llama.cpp, Ollama and vLLM
without a reasoning parser) hand on the tags that Qwen, DeepSeek and others were trained to write.
"""

OPENING, CLOSING = "<think>", "</think>"


class Thinking:
    """Splits one answer. Tags further on are the answer's own words, which may well be about tags."""

    def __init__(self) -> None:
        self._held = ""
        """What may be the beginning of a tag."""
        self._inside = self._answering = self._thought = False

    def split(self, text: str) -> tuple[str, str]:
        """The answer and the reasoning in a piece; what can't be told yet comes with the next one."""
        if self._answering:
            return text, ""
        self._held += text
        return self._within() if self._inside else self._head()

    def rest(self) -> tuple[str, str]:
        """What was held back, when there is no next piece."""
        held, self._held = self._held, ""
        return ("", held) if self._inside else (held, "")

    def _head(self) -> tuple[str, str]:
        """Before the answer: blanks, or a tag, or its first words."""
        begun = self._held.lstrip()
        if begun.startswith(OPENING):
            self._inside, self._held = True, begun.removeprefix(OPENING)
            return self._within()
        if OPENING.startswith(begun):
            return "", ""
        text, self._held = (begun if self._thought else self._held), ""
        self._answering = True
        return text, ""

    def _within(self) -> tuple[str, str]:
        reasoning, closed, answer = self._held.partition(CLOSING)
        if closed:
            self._inside, self._thought, self._held = False, True, answer
            text, more = self._head()
            return text, reasoning + more
        kept = next((size for size in range(len(CLOSING) - 1, 0, -1) if reasoning.endswith(CLOSING[:size])), 0)
        split_at = len(reasoning) - kept
        self._held = reasoning[split_at:]
        return "", reasoning[:split_at]
