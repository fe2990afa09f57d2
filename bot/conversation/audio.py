"""Transcription of sounds for models that can't hear."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.conversation.incoming_message import IncomingMessage
from bot.conversation.usage_recorder import CountedRequest, UsageRecorder
from bot.errors import CannotHear, ModelError, NothingHeard
from bot.llm.interface import Capabilities, Sound, Transcriber
from bot.llm.stream_events import ExtraRequest
from storage import Transaction
from storage.media_store import content_hash
from storage.records import MediaKind, NewMedium

MOST_WRITTEN = 100
"""How many transcripts are remembered, in case their message is edited."""
WORDLESS = "[sound: not readable: no words were heard in it]"
UNHEARD = "[sound: not readable: it can't be heard here]"


@dataclass(frozen=True, slots=True)
class TranscribedMessage:
    """A message after transcription: with the words of its sounds, or with the reason why there are none."""

    said: IncomingMessage
    transcript: str = ""
    failure: ModelError | None = None
    took: tuple[ExtraRequest, ...] = ()
    """The requests made."""


class AudioTranscriber:
    """Transcribes for models that can't hear. Without `transcriber` it does nothing; `usage_recorder` may be None."""

    def __init__(self, transcriber: Transcriber | None, usage_recorder: UsageRecorder | None = None) -> None:
        self._transcriber = transcriber
        self._usage_recorder = usage_recorder
        self._transcripts: OrderedDict[tuple[int | None, int | None, str], str] = OrderedDict()
        """Transcripts by (sender, message, hash of the sound)."""

    async def understand(self, said: IncomingMessage, senses: Capabilities) -> TranscribedMessage:
        """The message for a model with these senses. A sound that can't be transcribed stays, for a later model."""
        quoted = said.quote.media if said.quote else ()
        sounds = [one for one in (*quoted, *said.media) if one.kind is MediaKind.AUDIO]
        if not sounds or senses.hears:
            return TranscribedMessage(said)
        if self._transcriber is None:
            return _untranscribed(said, CannotHear("no TRANSCRIPTION_MODEL"))
        took: list[ExtraRequest] = []
        try:
            theirs, own = (
                await self._transcribe(self._transcriber, said, quoted, took),
                await self._transcribe(self._transcriber, said, said.media, took),
            )
        except ModelError as exc:
            return _untranscribed(said, exc, tuple(took))
        if not theirs and not own:
            failure = None if _is_seen(said) else NothingHeard("no words")
            return TranscribedMessage(_without_sound(said, WORDLESS), failure=failure, took=tuple(took))
        quote = said.quote
        if quote is not None:
            attached = "\n".join(filter(None, (quote.attached, theirs)))
            quote = replace(quote, attached=attached, media=_without_audio(quote.media))
        text = "\n".join(filter(None, (said.text, own)))
        heard = replace(said, text=text, quote=quote, media=_without_audio(said.media))
        return TranscribedMessage(heard, "\n".join(filter(None, (theirs, own))), took=tuple(took))

    async def record_usage(
        self, tx: Transaction, chat_id: int, user_id: int | None, took: Sequence[ExtraRequest]
    ) -> None:
        """Record the usage of transcriptions made for a user in a chat."""
        if self._transcriber is None or self._usage_recorder is None:
            return
        for each in took:
            asked = CountedRequest(self._transcriber.name, each.counted, each.said, user_id)
            await self._usage_recorder.add(tx, chat_id, asked, each.usage)

    async def _transcribe(
        self, transcriber: Transcriber, said: IncomingMessage, media: Sequence[NewMedium], took: list[ExtraRequest]
    ) -> str:
        words = []
        for one in media:
            if one.kind is MediaKind.AUDIO:
                key = (said.sender_id, said.message_id, content_hash(one.data))
                if key not in self._transcripts:
                    self._transcripts[key] = await transcriber.transcribe(Sound(one.format, one.data), took)
                    if len(self._transcripts) > MOST_WRITTEN:
                        self._transcripts.popitem(last=False)
                words.append(self._transcripts[key])
        return "\n".join(filter(None, words))


def _untranscribed(
    said: IncomingMessage, failure: ModelError, took: tuple[ExtraRequest, ...] = ()
) -> TranscribedMessage:
    if _is_seen(said):
        return TranscribedMessage(_without_sound(said, UNHEARD), took=took)
    return TranscribedMessage(said, failure=failure, took=took)


def _is_seen(said: IncomingMessage) -> bool:
    """Whether it is a video with more to it than its sound; in a round video message someone speaks."""
    kinds = {one.kind for one in said.media}
    return MediaKind.IMAGE in kinds and not any(note.startswith("[round video") for note in said.notes)


def _without_sound(said: IncomingMessage, why: str) -> IncomingMessage:
    return replace(said, media=_without_audio(said.media), remarks=(*said.remarks, why))


def _without_audio(media: Sequence[NewMedium]) -> tuple[NewMedium, ...]:
    return tuple(one for one in media if one.kind is not MediaKind.AUDIO)
