"""What the model is asked besides answering: the texts in ``prompts/``."""

from importlib.resources import files


def instruction(name: str, **values: object) -> str:
    """The text in ``prompts/{name}.md``, with these values in the places that are called so."""
    text = files("bot.conversation").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8").strip()
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", str(value))
    return text
