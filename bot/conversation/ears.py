"""Sounds for a model that can't hear them: written down by one that can."""

from dataclasses import dataclass, replace

from bot.conversation.said import Said
from bot.errors import CannotHear, ModelError
from bot.llm.interface import Senses, Sound, Transcriber
from storage.records import MediaKind


@dataclass(frozen=True, slots=True)
class Understood:
    """A message that was listened to: the words of its sounds where they were written down, or why not."""

    said: Said
    transcript: str = ""
    failure: ModelError | None = None


@dataclass(frozen=True, slots=True)
class Ears:
    """Listens for models that can't; `transcriber` None: nobody does."""

    transcriber: Transcriber | None

    async def understand(self, said: Said, senses: Senses) -> Understood:
        """The message for a model with these senses. A sound that nobody can hear stays, for a later model."""
        sounds = [one for one in said.media if one.kind is MediaKind.AUDIO]
        if not sounds or senses.hears:
            return Understood(said)
        if self.transcriber is None:
            return Understood(said, failure=CannotHear("no TRANSCRIPTION_MODEL"))
        try:
            heard = [await self.transcriber.transcribe(Sound(one.format, one.data)) for one in sounds]
        except ModelError as exc:
            return Understood(said, failure=exc)
        transcript = "\n".join(filter(None, heard))
        text = "\n".join(filter(None, (said.text, transcript)))
        media = tuple(one for one in said.media if one.kind is not MediaKind.AUDIO)
        return Understood(replace(said, text=text, media=media), transcript)
