"""The doctor says when nobody could be asked about newcomers."""

from bot.doctor import access
from bot.doctor.report import Mark
from storage import Storage
from storage.guests import SHELL, Guest, Standing
from tests.doctor.conftest import World


async def test_approval_without_an_owner_is_worth_a_note(world: World) -> None:
    settings = world.settings()
    assert (await access.check(settings)).mark is Mark.NOTE
    storage = await Storage.open(settings.database_path)
    try:
        found = await access.check(settings)
        assert found.mark is Mark.NOTE
        assert "its log has a link" in found.advice
        async with storage.transaction() as tx:
            await storage.access.put(tx, Guest(5, "Ann"), Standing.OWNER, SHELL, 0.0)
        assert (await access.check(settings)).mark is Mark.FINE
    finally:
        await storage.close()


async def test_owners_in_settings_and_other_modes_are_fine(world: World) -> None:
    assert (await access.check(world.settings(OWNER_IDS="5,6"))).found.endswith("one of 2 owners lets them in")
    for mode in ("open", "list"):
        found = await access.check(world.settings(ACCESS=mode))
        assert (found.mark, found.found.partition(":")[0]) == (Mark.FINE, mode)
