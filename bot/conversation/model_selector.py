"""The choice of the model that answers: the chat's, or one that can see while a picture is in the window."""

from collections.abc import Container, Sequence
from dataclasses import replace

from bot.llm.interface import Capabilities, ChatModel, Models
from storage.records import Chat, ChatSettings, MediaKind, Medium, Turn


class ModelSelector:
    """Chooses among a server's models."""

    def __init__(
        self,
        models: Models,
        main: str,
        offered: frozenset[str] = frozenset(),
        vision: str | None = None,
        default_vision: str | None = None,
    ) -> None:
        self._models = models
        self.main = main
        self.offered = offered
        """Models that a chat may choose instead of the main one."""
        self._vision = vision
        """Answers while a picture is in the window."""
        self._default_vision = default_vision
        """The same, but only if the chosen model can't see."""

    async def ready(self) -> None:
        """Wait until the models' context windows are known."""
        await self._models.ready()

    def named(self, name: str) -> ChatModel:
        """The model with this name."""
        return self._models.of(name)

    @property
    def smallest_window(self) -> int:
        """The smallest window of all models that may answer, in tokens."""
        return min(self._models.of(name).window for name in self.names)

    @property
    def names(self) -> frozenset[str]:
        """All models that may answer."""
        vision = self._vision or self._default_vision
        return self.offered | {self.main} | ({vision} if vision else set())

    def model(self, chat: Chat, turns: Sequence[Turn] = ()) -> ChatModel:
        """The model for a window with these turns."""
        chosen = self._models.of(self.name(chat.settings))
        if not any(medium.kind is MediaKind.IMAGE and not medium.refused for turn in turns for medium in turn.media):
            return chosen
        has_sound = any(
            medium.kind is MediaKind.AUDIO and not medium.refused for turn in turns for medium in turn.media
        )
        if chosen.capabilities.sees and (self._vision is None or (has_sound and chosen.capabilities.hears)):
            return chosen  # a model that hears too isn't replaced by one that only sees
        vision = self._vision or self._default_vision
        return self._models.of(vision) if vision else chosen

    def capabilities(self, settings: ChatSettings) -> Capabilities:
        """What a chat's messages may contain; pictures count if any model that may answer can see them."""
        capabilities = self._models.of(self.name(settings)).capabilities
        vision = self._vision or (None if capabilities.sees else self._default_vision)
        return replace(capabilities, sees=self._models.of(vision).capabilities.sees) if vision else capabilities

    def name(self, settings: ChatSettings) -> str:
        """The name of the chat's chosen model if it is still offered, otherwise of the main one."""
        chosen = settings.model
        return chosen if chosen in self.offered and chosen is not None else self.main


def is_sent(medium: Medium, capabilities: Capabilities) -> bool:
    """Whether a model with these capabilities is sent this medium."""
    return not medium.refused and takes(capabilities, medium.kind)


def newest_images(turns: tuple[Turn, ...], most: int | None) -> tuple[Turn, ...]:
    """Drop the oldest pictures beyond `most`."""
    pictures = [
        (turn.id, at)
        for turn in turns
        for at, medium in enumerate(turn.media)
        if medium.kind is MediaKind.IMAGE and not medium.refused
    ]
    if most is None or len(pictures) <= most:
        return turns
    gone = set(pictures[: len(pictures) - most])
    return tuple(replace(turn, media=_without(turn, gone)) if turn.media else turn for turn in turns)


def within_bytes(turns: tuple[Turn, ...], most: int) -> tuple[Turn, ...]:
    """Drop the oldest pictures and sounds if they exceed `most` bytes.

    It then drops down to half at once, so that the following requests share a prefix and hit the cache. The last turn
    with media keeps them.
    """
    heavy = [(turn, size) for turn in turns if (size := _size(turn))]
    first, total = 0, 0
    for last, (_, size) in enumerate(heavy):
        total += size
        if total > most:
            while first < last and total > most / 2:
                total -= heavy[first][1]
                first += 1
    gone = {(turn.id, at) for turn, _ in heavy[:first] for at in range(len(turn.media))}
    return tuple(replace(turn, media=_without(turn, gone)) if turn.media else turn for turn in turns) if gone else turns


def _size(turn: Turn) -> int:
    return sum(medium.size for medium in turn.media if not medium.refused)


def _without(turn: Turn, gone: Container[tuple[int, int]]) -> tuple[Medium, ...]:
    return tuple(
        replace(medium, refused=medium.refused or (turn.id, at) in gone) for at, medium in enumerate(turn.media)
    )


def takes(capabilities: Capabilities, kind: MediaKind) -> bool:
    """Whether a model with these capabilities takes this kind of medium."""
    return capabilities.sees if kind is MediaKind.IMAGE else capabilities.hears
