"""What is recorded of an answer: each turn once, what was shown before what was not, and never more than so many."""

from datetime import UTC

from bot.conversation.basis import MOST_MISSED, MOST_SHOWN, basis_of, notes_of
from bot.conversation.budget import Budget
from bot.conversation.prompt_builder import PromptContents
from bot.conversation.ranking import Ranks
from bot.conversation.recall import NOTHING, Recalled
from bot.conversation.thresholds import MemoryMode, Thresholds, WindowSizes
from bot.conversation.window import PromptWindow
from bot.pricing import Amount, Price
from storage import Storage
from storage.bases import FoundTurn
from storage.memories import Memory, Window
from storage.records import Chat, ChatKey, Role, Turn, Usage
from tests.conversation.test_budget import never
from tests.conversation.test_thresholds import POLICY
from tests.scripted import ScriptedModel

USED = {"m": Usage(100, 60, 10)}
FIRST = Ranks(1, 1, None)
BESIDE = Ranks(None, None, None)


def view(*, notes: str = "", single_turn: bool = False) -> PromptWindow:
    turns = (Turn(90, Role.USER, "so", "\n"), Turn(91, Role.ASSISTANT, "yes", "\n"), Turn(92, Role.USER, "who?", "\n"))
    memory = Memory(80, notes, 7, 1.0) if notes else None
    window = Window(Chat(1, ChatKey(1001), private=True, stamped_at=None), memory, turns)
    model = ScriptedModel([[]], single_turn=single_turn)
    return PromptWindow(
        window,
        model,
        MemoryMode.SUMMARY,
        POLICY,
        WindowSizes(50, 8.4, (10.0, 5.0), True),
        Thresholds(1, 2, 3, 4),
        (0, 2),
        1.0,
    )


def contents(recalled: Recalled = NOTHING, *looks: Recalled, edited: tuple[int, ...] = ()) -> PromptContents:
    seen = view()
    return PromptContents(seen, seen.sent, recalled, edited, list(looks))


def found(*args: Recalled, edited: tuple[int, ...] = ()) -> tuple[FoundTurn, ...]:
    return basis_of(contents(*args, edited=edited), "m", USED, None).found


def test_turns_found_precede_their_neighbours() -> None:
    recalled = Recalled("text", 9, (3, 4, 5), (6,), {3: BESIDE, 4: Ranks(2, None, 1), 5: FIRST, 6: Ranks(3, 2, 2)})
    assert found(recalled) == (
        FoundTurn(5, shown=True, overall_rank=1, words_rank=1),
        FoundTurn(4, shown=True, overall_rank=2, meaning_rank=1),
        FoundTurn(3, shown=True),
        FoundTurn(6, shown=False, overall_rank=3, words_rank=2, meaning_rank=2),
    )


def test_each_turn_is_recorded_once() -> None:
    recalled = Recalled("text", 9, (3,), (4,), {3: FIRST, 4: Ranks(2, 2, None)})
    look = Recalled("text", 9, (3, 4), (5,), {3: Ranks(2, 2, None), 4: FIRST, 5: Ranks(3, 3, None)})
    assert found(recalled, look, edited=(3, 7)) == (
        FoundTurn(3, shown=True, overall_rank=1, words_rank=1, edited=True),
        FoundTurn(4, shown=True, looked_up=True, overall_rank=1, words_rank=1),
        FoundTurn(7, shown=True, searched=False, edited=True),
        FoundTurn(5, shown=False, looked_up=True, overall_rank=3, words_rank=3),
    )


def test_a_record_is_bounded() -> None:
    def many(first: int) -> Recalled:
        ids = tuple(range(first, first + 100))
        ranks = {turn_id: Ranks(place, place, None) for place, turn_id in enumerate(ids, 1)}
        return Recalled("text", 9, ids[:90], ids[90:], ranks)

    recorded = found(many(1000), many(2000), many(3000))
    assert [one.shown for one in recorded] == [True] * MOST_SHOWN + [False] * MOST_MISSED


def test_the_window_and_the_question_are_named() -> None:
    basis = basis_of(contents(), "m", {"m": Usage(100, 60, 10), "n": Usage(5, 0, 1, estimated=1)}, Amount(0.5, "USD"))
    assert (basis.first_turn, basis.turns, basis.question_id) == (90, 3, 92)
    assert basis.usage == Usage(105, 60, 11, estimated=1)
    assert (basis.model, basis.price, basis.currency) == ("m", 0.5, "USD")


def test_notes_count_where_they_were_sent() -> None:
    noted, alone = view(notes="- Ann sails."), view(notes="- Ann sails.", single_turn=True)
    assert basis_of(PromptContents(noted, noted.sent), "m", USED, None).notes_tokens == 8
    assert notes_of(PromptContents(noted, noted.sent)) == "- Ann sails."
    assert basis_of(PromptContents(alone, alone.sent), "m", USED, None).notes_tokens == 0
    assert notes_of(PromptContents(alone, alone.sent)) == ""


async def test_cost_is_shown_only_when_fully_known(storage: Storage) -> None:
    """One price that is missing or in another currency makes the sum unknown."""
    prices = {name: Price(1000.0, 100.0, 1000.0, 2000.0, of) for name, of in (("m", "USD"), ("n", "USD"), ("y", "CNY"))}
    budget = Budget(storage.database, storage.usage, {}, prices.get, never, UTC, lambda: 0.0)
    assert budget.money(USED) == Amount(0.066, "USD")
    assert budget.money(USED | {"n": Usage(1000, 0, 0)}) == Amount(1.066, "USD")
    assert budget.money(USED | {"y": Usage(1, 0, 0)}) is None
    assert budget.money(USED | {"unknown": Usage(1, 0, 0)}) is None
    assert budget.money({}) is None
