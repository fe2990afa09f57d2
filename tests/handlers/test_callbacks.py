"""The data of the buttons: it fits, and a button that was sent long ago still means the same."""

from dataclasses import fields

import pytest

from bot.access.access_requests import ANSWERS
from bot.handlers import callbacks
from bot.handlers.callbacks import (
    BUTTONS,
    MOST_BYTES,
    AccessAnswer,
    AccessAnswerButton,
    AskForgetButton,
    CallbackData,
    CancelQuestionButton,
    CompactButton,
    ConfirmForgetButton,
    ContinueButton,
    CorrectButton,
    DropBroadcastButton,
    EarlierMemoryButton,
    ExportButton,
    ExportFormat,
    ForgetPageButton,
    KeepButton,
    MemoryThenButton,
    RestoreMemoryButton,
    ResumeButton,
    RetryButton,
    SendBroadcastButton,
    SettingButton,
    StopButton,
    UndoResetButton,
)
from bot.updates.in_flight import WorkKind

LARGEST = 10**18 - 1
LONG_MODEL = "some-vendor/some-model-with-a-long-name-2507-instruct-awq:free"
SENT: dict[str, CallbackData] = {
    "access:allow:7": AccessAnswerButton(AccessAnswer.ALLOW, 7),
    "access:deny:7": AccessAnswerButton(AccessAnswer.DENY, 7),
    "access:block:7": AccessAnswerButton(AccessAnswer.BLOCK, 7),
    "broadcast:3": SendBroadcastButton(3),
    "no-broadcast:3": DropBroadcastButton(3),
    "undo-reset:12": UndoResetButton(12),
    "retry:12": RetryButton(12),
    "continue:12": ContinueButton(12),
    "stop:12": StopButton(12),
    "again:update:5": ResumeButton(WorkKind.UPDATE, 5),
    "again:delivery:5": ResumeButton(WorkKind.DELIVERY, 5),
    "again:notice:5": ResumeButton(WorkKind.NOTICE, 5),
    "memory:compact": CompactButton(),
    "memory:correct": CorrectButton(),
    "memory:forget": AskForgetButton(),
    "memory:before:": EarlierMemoryButton(),
    "memory:before:4": EarlierMemoryButton(4),
    "memory:back:4": RestoreMemoryButton(4),
    "why:notes:4": MemoryThenButton(4),
    "cancel:9": CancelQuestionButton(9),
    "forget:8": ConfirmForgetButton(8),
    "keep:8": KeepButton(8),
    "forgetpage:8:2": ForgetPageButton(8, 2),
    "export:json": ExportButton(ExportFormat.JSON),
    "export:markdown": ExportButton(ExportFormat.MARKDOWN),
    "set:": SettingButton(),
    "set:model": SettingButton("model"),
    "set:model:qwen3:8b": SettingButton("model", "qwen3:8b"),
    "set:recall:default": SettingButton("recall", "default"),
}
LARGE = (
    *(AccessAnswerButton(one, LARGEST) for one in AccessAnswer),
    *(ResumeButton(one, LARGEST) for one in WorkKind),
    *(ExportButton(one) for one in ExportFormat),
    ForgetPageButton(LARGEST, LARGEST),
    SettingButton("thinking", LONG_MODEL),
    *(CompactButton(), CorrectButton(), AskForgetButton()),
    *(
        button(LARGEST)  # type: ignore[call-arg]  # one number each
        for button in BUTTONS
        if [field.type for field in fields(button)] in ([int], [int | None])
    ),
)


@pytest.mark.parametrize("data", SENT)
def test_a_button_sent_before_still_unpacks(data: str) -> None:
    assert callbacks.unpack(data) == SENT[data]
    assert SENT[data].pack() == data


def test_every_button_is_tested() -> None:
    assert {type(one) for one in SENT.values()} == set(BUTTONS) == {type(one) for one in LARGE}
    assert set(AccessAnswer) == set(ANSWERS)


@pytest.mark.parametrize("button", LARGE, ids=lambda button: button.pack())
def test_the_largest_values_fit(button: CallbackData) -> None:
    assert len(button.pack().encode()) <= MOST_BYTES
    read = callbacks.unpack(button.pack())
    assert read == button or isinstance(read, SettingButton)


def test_a_long_value_is_known_by_its_hash() -> None:
    read = SettingButton.unpack(SettingButton("model", LONG_MODEL).pack())
    assert read is not None
    assert read.value == "#e48418c386e746695317"
    assert read.means(LONG_MODEL)
    assert not read.means(f"{LONG_MODEL}2")
    assert SettingButton("model", "short").means("short")


@pytest.mark.parametrize(
    "data",
    [
        *("", "retry", "retry:", "retry:-1", "retry:1:2", f"retry:{10**18}", "retry:1x", "memory:compact:", "memory"),
        *("access:allow", "access:own:7", "again:7", "again:meal:7", "forgetpage:8", "export:pdf", "unknown:1"),
    ],
)
def test_anything_else_is_no_button(data: str) -> None:
    assert callbacks.unpack(data) is None
