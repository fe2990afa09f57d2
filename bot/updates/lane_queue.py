"""The updates that wait in one lane, within limits for each person."""

from collections import Counter, deque

from bot.updates.parsing import QueuedUpdate, UpdateKind

MOST_WAITING = 1000
"""The most updates that may wait in one lane; further ones are dropped ..."""
MOST_OVERHEARD = 10_000
"""... except unaddressed ones: what a group said while the bot was down is recorded, at 2.5 kB a message."""
MOST_OF_MEMBER = 250
"""The most messages and edits of one member that may wait in a group's lane, so that others can still be heard."""
MOST_ORDERS = 20
"""The most commands and pressed buttons of one person that may wait in a lane: they may get a message each."""


class LaneQueue:
    """A queue whose limits depend on who sent what.

    A newer edit of a message replaces one that still waits: Telegram reports each reaction as an edit, too.
    """

    def __init__(self) -> None:
        self._arrivals: deque[tuple[QueuedUpdate, bool]] = deque()
        """With whether each is overheard. The last one is never replaced."""
        self._of_person: Counter[tuple[int | None, bool]] = Counter()
        """How much waits of each person: messages and edits, or orders."""
        self._edits: dict[int, QueuedUpdate] = {}
        """The edits that wait, by the message's ID."""
        self._replaced: set[int] = set()
        self._addressed = 0
        self.questions = 0
        """How many of the queued updates need an answer."""

    def __len__(self) -> int:
        return len(self._arrivals) - len(self._replaced)

    @property
    def first(self) -> QueuedUpdate | None:
        """The next update."""
        return self._arrivals[0][0] if self._arrivals else None

    def has_room(self, arrival: QueuedUpdate, *, overheard: bool) -> bool:
        """Whether the update may wait here."""
        if overheard:
            return len(self) < MOST_OVERHEARD
        if _edited(arrival) in self._edits:
            return True
        waiting = self._of_person[_counted(arrival)]
        if _is_order(arrival) and waiting >= MOST_ORDERS:
            return False
        return self._addressed < MOST_WAITING and (arrival.is_private or waiting < MOST_OF_MEMBER)

    def add(self, arrival: QueuedUpdate, *, overheard: bool) -> QueuedUpdate | None:
        """Add an update; returns the one that it replaces."""
        self._count(arrival, 1, overheard=overheard)
        self._arrivals.append((arrival, overheard))
        edited = _edited(arrival)
        if edited is None:
            return None
        before, self._edits[edited] = self._edits.get(edited), arrival
        if before is not None:
            self._replaced.add(before.update_id)
            self._count(before, -1, overheard=False)
            self._skip_replaced()
        return before

    def pop(self) -> QueuedUpdate:
        """Remove the next update."""
        arrival, overheard = self._arrivals.popleft()
        self._count(arrival, -1, overheard=overheard)
        if (edited := _edited(arrival)) is not None:
            del self._edits[edited]
        self._skip_replaced()
        return arrival

    def _skip_replaced(self) -> None:
        while self._arrivals and self._arrivals[0][0].update_id in self._replaced:
            self._replaced.remove(self._arrivals.popleft()[0].update_id)

    def _count(self, arrival: QueuedUpdate, change: int, *, overheard: bool) -> None:
        if overheard:
            return
        self._addressed += change
        self.questions += change * (arrival.kind is UpdateKind.MESSAGE)
        counted = _counted(arrival)
        self._of_person[counted] += change
        if not self._of_person[counted]:
            del self._of_person[counted]


def _is_order(arrival: QueuedUpdate) -> bool:
    """Whether it is a command or a pressed button; the bot's membership and a group's move must not be missed."""
    message = arrival.update.message
    is_command = message is not None and not (message.migrate_to_chat_id or message.migrate_from_chat_id)
    return arrival.kind is UpdateKind.OTHER and (is_command or arrival.update.callback_query is not None)


def _counted(arrival: QueuedUpdate) -> tuple[int | None, bool]:
    return arrival.sender, _is_order(arrival)


def _edited(arrival: QueuedUpdate) -> int | None:
    """The ID of the message that was edited."""
    message = arrival.update.edited_message
    return message.message_id if arrival.kind is UpdateKind.EDIT and message is not None else None
