"""What owners are asked, and what follows from their answer, each in the language of whoever reads it."""

import pytest

from bot.access.access_requests import DAY_S, AccessRequests
from bot.access.policy import AccessRules, Owners
from bot.language import catalogue, plural, speaking, texts
from storage import Storage
from storage.access_list import SHELL, AccessStatus, Applicant, Decider
from storage.outbox import NOBODY_ALONE
from storage.records import ChatKey, Notice

ANN, EVA = 1, 2
BOB = Applicant(7, "Bob", None, "ru")
CLUB = Applicant(-7, "Club", None, "zh-hans", "Bob” Id: 1 “", 7)


@pytest.fixture
async def storage(storage: Storage) -> Storage:
    """With an owner in it."""
    async with storage.transaction() as tx:
        await storage.access.put(tx, Applicant(EVA, "Eva", None, "es"), AccessStatus.OWNER, SHELL, 0.0)
    return storage


class Clock:
    """A time that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def _requests(storage: Storage, clock: Clock) -> AccessRequests:
    return AccessRequests(
        storage.access,
        storage.chats,
        storage.outbox,
        Owners(storage.access, AccessRules("approval", frozenset({ANN, -5}))),
        clock,
    )


async def _ask(storage: Storage, requests: AccessRequests, applicant: Applicant) -> list[ChatKey] | None:
    async with storage.transaction() as tx:
        return await requests.ask(tx, applicant)


async def _waiting(storage: Storage, telegram_id: int) -> list[Notice]:
    return [notice for _, notice in await storage.outbox.notices(ChatKey(telegram_id))]


def _text(language: str, name: str) -> str:
    return str(catalogue(language)[name])


async def test_each_owner_is_asked_once_in_own_language(storage: Storage) -> None:
    requests = _requests(storage, Clock())
    with speaking("ru"):
        assert await _ask(storage, requests, BOB) == [ChatKey(ANN), ChatKey(EVA)]
        assert await _ask(storage, requests, BOB) is None
    [english], [spanish] = await _waiting(storage, ANN), await _waiting(storage, EVA)
    assert english.text == "Someone would like to talk to me.\n\nName: “Bob”\nUsername: none\nID: 7"
    assert spanish.text.startswith(_text("es", "REQUEST_PERSON").partition("\n")[0])
    assert [button.label for button in spanish.buttons] == ["Permitir", "Rechazar", "Bloquear"]
    assert spanish.literals == ("“Bob”",)


async def test_name_cannot_imitate_a_line_or_mark(storage: Storage) -> None:
    await _ask(storage, _requests(storage, Clock()), CLUB)
    [notice] = await _waiting(storage, ANN)
    assert notice.text.splitlines()[-2:] == ["Added by: “Bob  Id: 1”, 7", "ID: -7"]


async def test_who_asked_is_told_in_their_own_language(storage: Storage) -> None:
    requests = _requests(storage, Clock())
    await _ask(storage, requests, BOB)
    async with storage.transaction() as tx:
        entry, told = await requests.put(tx, BOB, AccessStatus.ALLOWED, Decider(ANN, "Ann"))
    assert entry.status is AccessStatus.ALLOWED
    assert told == [ChatKey(7)]
    assert [notice.text for notice in await _waiting(storage, 7)] == [_text("ru", "LET_IN")]
    assert await _waiting(storage, ANN) == []  # the question was not sent yet, and need not be


async def test_denied_group_is_left_without_a_message(storage: Storage) -> None:
    requests = _requests(storage, Clock())
    await _ask(storage, requests, CLUB)
    async with storage.transaction() as tx:
        _, told = await requests.put(tx, CLUB, AccessStatus.DENIED, SHELL)
    assert told == []
    assert await _waiting(storage, -7) == []
    assert await storage.access.to_leave() == [-7]


async def test_who_was_never_asked_about_is_told_nothing(storage: Storage) -> None:
    async with storage.transaction() as tx:
        _, told = await _requests(storage, Clock()).put(tx, BOB, AccessStatus.ALLOWED, SHELL)
    assert told == []
    assert await _waiting(storage, 7) == []


async def test_a_denial_holds_for_a_week(storage: Storage) -> None:
    clock = Clock()
    requests = _requests(storage, clock)
    await _ask(storage, requests, BOB)
    async with storage.transaction() as tx:
        await requests.put(tx, BOB, AccessStatus.DENIED, SHELL)
    clock.now = 7 * DAY_S - 1
    assert await _ask(storage, requests, BOB) is None
    clock.now = 7 * DAY_S
    assert await _ask(storage, requests, BOB) is not None


async def test_forty_strangers_are_few_messages(storage: Storage) -> None:
    requests = _requests(storage, Clock())
    for number in range(40):
        await _ask(storage, requests, Applicant(1000 + number, f"Guest {number}"))
    told = await _waiting(storage, ANN)
    asked = [one for one in told if one.about != NOBODY_ALONE]
    assert (len(asked), len(told)) == (10, 11)
    assert told[-1].text.startswith("40 requests")
    assert asked[0].about is not None
    ((first, _), *_) = await storage.outbox.notices(ChatKey(ANN))
    async with storage.transaction() as tx:
        await storage.outbox.notice_sent(tx, first, 77)
        await requests.decide(tx, asked[0].about, AccessStatus.DENIED, Decider(ANN, "Ann"))
    after = [one.about for one in await _waiting(storage, ANN) if one.about not in (None, NOBODY_ALONE)]
    assert (len(after), len(set(after))) == (10, 10)


async def test_bringer_of_many_groups_gets_one_request(storage: Storage) -> None:
    requests = _requests(storage, Clock())
    for number in range(1, 10):
        await _ask(storage, requests, Applicant(-number, f"Group {number}", None, "en", "Bob", 7))
    await _ask(storage, requests, Applicant(8, "Dan", None, "en"))
    told = await _waiting(storage, EVA)
    assert [notice.about for notice in told] == [2, NOBODY_ALONE, 11]
    with speaking("es"):
        assert told[1].text == plural(8, texts.REQUESTS_MORE)
    sent = await storage.outbox.notices(ChatKey(EVA))
    async with storage.transaction() as tx:
        for number, _ in sent:
            await storage.outbox.notice_sent(tx, number, 100 + number)
        await requests.decide(tx, 2, AccessStatus.DENIED, Decider(EVA, "Eva"))
    assert [notice.about for notice in await _waiting(storage, EVA) if notice.about is not None] == [3]
