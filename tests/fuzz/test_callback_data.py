"""The data of a button, which any client can make up, is one button's or none's."""

from dataclasses import fields
from enum import StrEnum
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.handlers.callbacks import BUTTONS, MOST_BYTES, CallbackData, SettingButton
from tests.fuzz.mutations import fuzzed

PREFIXES = st.sampled_from([button.prefix for button in BUTTONS])
PIECES = st.sampled_from([":", "0", "7", "-1", "9" * 18, "9" * 50, "٣", "²", " 7", "7 ", "1_0", "allow", "", "\x00"])
DATA = st.text(max_size=64) | st.tuples(PREFIXES, st.lists(PIECES, max_size=5).map("".join)).map("".join)
NUMBERS = st.integers(0, 10**18 - 1)


@fuzzed(80)
@given(DATA)
def test_made_up_data_is_read_or_refused(data: str) -> None:
    for button in BUTTONS:
        found = button.unpack(data)
        if found is not None and not isinstance(found, SettingButton):
            assert button.unpack(found.pack()) == found
            numbers = [value for field in fields(found) if isinstance(value := getattr(found, field.name), int)]
            assert all(0 <= number < 2**63 for number in numbers)


@fuzzed(50)
@given(st.data())
def test_button_survives_its_data(drawn: st.DataObject) -> None:
    kind = drawn.draw(st.sampled_from([button for button in BUTTONS if button is not SettingButton]))
    button = kind(*(drawn.draw(_values(field.type)) for field in fields(kind)))
    assert kind.unpack(button.pack()) == button
    assert len(button.pack().encode()) <= MOST_BYTES
    assert _readers(button.pack()) == [kind]


@fuzzed(40)
@given(st.sampled_from(["model", "persona", "way"]), st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_setting_button_means_its_value(name: str, value: str) -> None:
    packed = SettingButton(name, value).pack()
    found = SettingButton.unpack(packed)
    assert found is not None
    assert len(packed.encode()) <= MOST_BYTES
    assert not value or found.means(value)


def _values(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return st.sampled_from(list(kind))
    return NUMBERS if kind is int else st.none() | NUMBERS


def _readers(data: str) -> list[type[CallbackData]]:
    return [button for button in BUTTONS if button.unpack(data) is not None]
