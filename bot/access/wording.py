"""What owners read of strangers: names as data, one line each, in marks that no name can end."""

import re
from collections.abc import Iterator

from bot.inbound.plain import clean
from bot.language import texts
from storage.guests import Decider, Entry, Guest, Standing


def shown(name: str | None) -> str:
    """A name or a title that a stranger chose."""
    return f"“{re.sub('[“”„«»]', ' ', clean(name)).strip() or '?'}”"


def literals(guest: Guest) -> tuple[str, ...]:
    """The words of a request that strangers chose."""
    return tuple(shown(name) for name in (guest.name, guest.brought_by) if name)


def request(guest: Guest) -> str:
    """What owners are asked."""
    if not guest.is_person:
        by = f"{shown(guest.brought_by)}, {guest.bringer_id}" if guest.brought_by else texts.NOBODY_KNOWN
        return texts.REQUEST_GROUP.format(name=shown(guest.name), by=by, id=guest.telegram_id)
    username = f"@{guest.username}" if guest.username else texts.NO_USERNAME
    return texts.REQUEST_PERSON.format(name=shown(guest.name), username=username, id=guest.telegram_id)


def decision(entry: Entry) -> str:
    """What was decided about somebody, and by whom."""
    forms = {
        Standing.ALLOWED: texts.ALLOWED_BY,
        Standing.OWNER: texts.ALLOWED_BY,
        Standing.DENIED: texts.DENIED_BY,
        Standing.BLOCKED: texts.BLOCKED_BY,
    }
    form = forms.get(entry.standing, texts.STILL_ASKING)
    return form.format(name=whose(entry.decided_by))


def whose(decider: Decider) -> str:
    """Who decided."""
    return shown(decider.name) if decider.name else texts.THE_SHELL


def called(guest: Guest) -> str:
    """Somebody in a sentence."""
    return f"{shown(guest.name)} ({guest.telegram_id})" if guest.name else str(guest.telegram_id)


def details(guest: Guest) -> Iterator[str]:
    """A person's or group's name, @username and id."""
    if guest.name:
        yield shown(guest.name)
    if guest.username:
        yield f"@{guest.username}"
    yield str(guest.telegram_id)
