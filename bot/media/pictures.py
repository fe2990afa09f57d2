"""Pictures within documents, which a model does not see: that they are there, and what their authors say of them."""

UNSAID = "[picture, not shown here]"


def picture(said: str) -> str:
    """What stands for a picture."""
    words = " ".join(said.split())
    return f"[picture, not shown here: {words}]" if words else UNSAID


def is_wordless(text: str) -> bool:
    """Whether there are but pictures of which nothing is said."""
    return not text.replace(UNSAID, "").strip()
