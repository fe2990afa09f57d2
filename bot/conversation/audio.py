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

    message: IncomingMessage
    transcript: str = ""
    failure: ModelError | None = None
    requests: tuple[ExtraRequest, ...] = ()
    """The requests made."""


class AudioTranscriber:
    """Transcribes for models that can't hear. Without `transcriber` it does nothing; `usage_recorder` may be None."""

    def __init__(self, transcriber: Transcriber | None, usage_recorder: UsageRecorder | None = None) -> None:
        self._transcriber = transcriber
        self._usage_recorder = usage_recorder
        self._transcripts: OrderedDict[tuple[int | None, int | None, str], str] = OrderedDict()
        """Transcripts by (sender, message, hash of the sound)."""

    async def understand(self, message: IncomingMessage, capabilities: Capabilities) -> TranscribedMessage:
        """The message for a model with these capabilities. Audio that can't be transcribed is kept for later."""
        quoted = message.quote.media if message.quote else ()
        sounds = [medium for medium in (*quoted, *message.media) if medium.kind is MediaKind.AUDIO]
        if not sounds or capabilities.hears:
            return TranscribedMessage(message)
        if self._transcriber is None:
            return _untranscribed(message, CannotHear("no TRANSCRIPTION_MODEL"))
        requests: list[ExtraRequest] = []
        try:
            quoted_words, own_words = (
                await self._transcribe(self._transcriber, message, quoted, requests),
                await self._transcribe(self._transcriber, message, message.media, requests),
            )
        except ModelError as exc:
            return _untranscribed(message, exc, tuple(requests))
        if not quoted_words and not own_words:
            failure = None if _is_seen(message) else NothingHeard("no words")
            return TranscribedMessage(_without_sound(message, WORDLESS), failure=failure, requests=tuple(requests))
        quote = message.quote
        if quote is not None:
            attached = "\n".join(filter(None, (quote.attached, quoted_words)))
            quote = replace(quote, attached=attached, media=_without_audio(quote.media))
        text, attached = message.text, message.attached
        if _is_spoken(message):
            text = "\n".join(filter(None, (text, own_words)))
        else:
            attached = "\n".join(filter(None, (attached, own_words)))
        media = _without_audio(message.media)
        understood = replace(message, text=text, attached=attached, quote=quote, media=media)
        return TranscribedMessage(
            understood, "\n".join(filter(None, (quoted_words, own_words))), requests=tuple(requests)
        )

    async def record_usage(
        self, tx: Transaction, chat_id: int, user_id: int | None, requests: Sequence[ExtraRequest]
    ) -> None:
        """Record the usage of transcriptions made for a user in a chat."""
        if self._transcriber is None or self._usage_recorder is None:
            return
        for request in requests:
            asked = CountedRequest(self._transcriber.name, request.counted, request.output, user_id)
            await self._usage_recorder.add(tx, chat_id, asked, request.usage)

    async def _transcribe(
        self,
        transcriber: Transcriber,
        message: IncomingMessage,
        media: Sequence[NewMedium],
        requests: list[ExtraRequest],
    ) -> str:
        words = []
        for medium in media:
            if medium.kind is MediaKind.AUDIO:
                key = (message.sender_id, message.message_id, content_hash(medium.data))
                if key not in self._transcripts:
                    self._transcripts[key] = await transcriber.transcribe(Sound(medium.format, medium.data), requests)
                    if len(self._transcripts) > MOST_WRITTEN:
                        self._transcripts.popitem(last=False)
                words.append(self._transcripts[key])
        return "\n".join(filter(None, words))


def _untranscribed(
    message: IncomingMessage, failure: ModelError, requests: tuple[ExtraRequest, ...] = ()
) -> TranscribedMessage:
    if _is_seen(message):
        return TranscribedMessage(_without_sound(message, UNHEARD), requests=requests)
    return TranscribedMessage(message, failure=failure, requests=requests)


def _is_seen(message: IncomingMessage) -> bool:
    """Whether it is a video that says something without its sound. A round video message is mostly speech."""
    kinds = {medium.kind for medium in message.media}
    return MediaKind.IMAGE in kinds and not any(note.startswith("[round video") for note in message.notes)


def _is_spoken(message: IncomingMessage) -> bool:
    """Whether its sound is the sender's own voice, and not, for example, a film's."""
    return any(note.startswith(("[voice message", "[round video")) for note in message.notes)


def _without_sound(message: IncomingMessage, why: str) -> IncomingMessage:
    return replace(message, media=_without_audio(message.media), remarks=(*message.remarks, why))


def _without_audio(media: Sequence[NewMedium]) -> tuple[NewMedium, ...]:
    return tuple(medium for medium in media if medium.kind is not MediaKind.AUDIO)
