"""``/privacy``: what is stored about people, and where it is sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.handlers.context import MessageContext
from bot.handlers.notices import is_private
from bot.language import plural, texts


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What there is to say about this installation."""

    recipients: Sequence[str]
    """The hosts that words, pictures or sounds are sent to, besides Telegram."""
    listens: bool
    """Whether unaddressed messages in groups are recorded, too."""
    days: int | None
    """After how many days everything is deleted; None: never."""
    backup_days: int | None
    """For how many days what was deleted is still in backups; None if there are none."""
    reports: str | None
    """The host that error reports are sent to."""
    logs_words: bool


class PrivacyHandlers:
    """The command."""

    def __init__(self, disclosed: Disclosure) -> None:
        self._disclosed = disclosed

    async def privacy(self, update: MessageContext) -> None:
        """``/privacy``: only what is true of this installation and this chat."""
        known = self._disclosed
        parts = [texts.PRIVACY, texts.PRIVACY_SERVERS.format(servers=", ".join(known.recipients))]
        if known.reports is not None:
            parts.append(texts.PRIVACY_REPORTS.format(server=known.reports))
        if known.logs_words:
            parts.append(texts.PRIVACY_LOGS)
        if not is_private(update.message):
            listens = known.listens and (update.chat is None or update.chat.settings.listen is not False)
            parts.append(texts.PRIVACY_LISTENS if listens else texts.PRIVACY_CALLED)
        if known.days is not None:
            parts.append(texts.PRIVACY_RETENTION.format(days=plural(known.days, texts.DAYS)))
        parts.append(texts.PRIVACY_DELETE)
        if known.backup_days is not None:
            parts.append(texts.PRIVACY_BACKUPS.format(days=plural(known.backup_days, texts.DAYS)))
        await update.say(update.notice("\n\n".join(parts), alone=True))
