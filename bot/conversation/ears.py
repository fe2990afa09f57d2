"""Sounds for a model that can't hear them: written down by one that can."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.conversation.said import Said
from bot.errors import CannotHear, ModelError, NothingHeard
from bot.llm.interface import Senses, Sound, Transcriber
from storage.records import MediaKind, NewMedium

WORDLESS = "[sound: not readable: no words were heard in it]"


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
        quoted = said.quote.media if said.quote else ()
        sounds = [one for one in (*quoted, *said.media) if one.kind is MediaKind.AUDIO]
        if not sounds or senses.hears:
            return Understood(said)
        if self.transcriber is None:
            return Understood(said, failure=CannotHear("no TRANSCRIPTION_MODEL"))
        try:
            theirs, own = (
                await self._written(self.transcriber, quoted),
                await self._written(self.transcriber, said.media),
            )
        except ModelError as exc:
            return Understood(said, failure=exc)
        if not theirs and not own:
            return Understood(_wordless(said), failure=NothingHeard("no words"))
        quote = said.quote
        if quote is not None:
            attached = "\n".join(filter(None, (quote.attached, theirs)))
            quote = replace(quote, attached=attached, media=_silent(quote.media))
        text = "\n".join(filter(None, (said.text, own)))
        heard = replace(said, text=text, quote=quote, media=_silent(said.media))
        return Understood(heard, "\n".join(filter(None, (theirs, own))))

    async def _written(self, transcriber: Transcriber, media: Sequence[NewMedium]) -> str:
        sounds = [Sound(one.format, one.data) for one in media if one.kind is MediaKind.AUDIO]
        return "\n".join(filter(None, [await transcriber.transcribe(sound) for sound in sounds]))


def _wordless(said: Said) -> Said:
    return replace(said, media=_silent(said.media), remarks=(*said.remarks, WORDLESS))


def _silent(media: Sequence[NewMedium]) -> tuple[NewMedium, ...]:
    return tuple(one for one in media if one.kind is not MediaKind.AUDIO)
