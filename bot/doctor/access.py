"""Who may talk to the bot: where owners are asked about newcomers, there must be one."""

from bot.doctor.report import Finding, fine, note
from bot.settings import Settings
from storage import StorageError
from storage.inspection import owners

MEANS = {
    "open": "open: anyone can talk to the bot, at your cost",
    "list": "list: only those in OWNER_IDS and ALLOWED_IDS can talk to the bot",
}


async def check(settings: Settings) -> Finding:
    """The mode, and the owners."""
    if settings.access in MEANS:
        return fine("Access", MEANS[settings.access])
    try:
        count = len({*filter(lambda one: one > 0, settings.owner_ids), *await owners(settings.database_path)})
    except StorageError as exc:
        return note("Access", f"approval, and the owners can't be read: {exc}")
    if count:
        return fine(
            "Access",
            f"approval: newcomers wait until {'the owner' if count == 1 else f'one of {count} owners'} lets them in",
        )
    return note(
        "Access",
        "approval, but the bot has no owner yet to ask about newcomers",
        "Start the bot: its log has a link that makes you the owner. Or set OWNER_IDS to your Telegram ID.",
    )
