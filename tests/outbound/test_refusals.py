import datetime as dt

import pytest
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TimedOut

from bot.outbound.refusals import Refusal, classify, is_for_good, may_have_arrived, seconds_to_wait, undeliverable


@pytest.mark.parametrize(
    ("sentence", "refusal"),
    [
        ("Bad Request: message is not modified: specified new message content ...", Refusal.NOT_MODIFIED),
        ("Bad Request: message to edit not found", Refusal.NOTHING_TO_EDIT),
        ("Bad Request: message can't be edited", Refusal.NOT_EDITABLE),
        ("Bad Request: chat not found", Refusal.FOR_GOOD),
        ("Bad Request: TOPIC_CLOSED", Refusal.FOR_GOOD),
        ("Bad Request: can't parse entities", Refusal.CONTENT),
        ("Bad Request: message is too long", Refusal.CONTENT),
    ],
)
def test_what_a_sentence_means(sentence: str, refusal: Refusal) -> None:
    assert classify(BadRequest(sentence)) is refusal


@pytest.mark.parametrize("error", [Forbidden("x"), ChatMigrated(-100), BadRequest("Chat not found")])
def test_what_is_for_good(error: Forbidden | ChatMigrated | BadRequest) -> None:
    assert is_for_good(error)


@pytest.mark.parametrize("error", [NetworkError("x"), TimedOut(), BadRequest("x")])
def test_what_is_not(error: NetworkError) -> None:
    assert not is_for_good(error)


def test_a_migration_tells_the_new_id() -> None:
    assert "-100123" in str(undeliverable(ChatMigrated(-100123)))


@pytest.mark.parametrize("wait", [30, dt.timedelta(seconds=30)])
def test_the_wait_of_a_flood_is_in_seconds(wait: int | dt.timedelta) -> None:
    assert seconds_to_wait(RetryAfter(wait)) == 30


@pytest.mark.filterwarnings("ignore:.*retry_after.*")
def test_the_wait_is_understood_as_a_number_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PTB_TIMEDELTA")
    assert seconds_to_wait(RetryAfter(30)) == 30


@pytest.mark.parametrize(
    ("error", "may"),
    [
        (TimedOut(), True),
        (NetworkError("Gateway Timeout (504)"), True),
        (NetworkError("Bad Gateway"), False),
        (NetworkError("x (500)"), False),
        (BadRequest("x"), False),
        (None, False),
    ],
)
def test_what_timed_out_may_have_arrived(error: NetworkError | None, may: bool) -> None:
    assert may_have_arrived(error) is may
