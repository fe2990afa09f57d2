"""The doctor says when nobody could be asked about newcomers."""

from bot.doctor import environment
from bot.doctor.report import Severity
from storage import Storage
from storage.access_list import SHELL, AccessStatus, Applicant
from tests.doctor.conftest import World


async def test_approval_without_an_owner_is_worth_a_note(world: World) -> None:
    settings = world.settings()
    assert (await environment.check_access(settings)).mark is Severity.NOTE
    storage = await Storage.open(settings.database_path)
    try:
        found = await environment.check_access(settings)
        assert found.mark is Severity.NOTE
        assert "its log has a link" in found.advice
        async with storage.transaction() as tx:
            await storage.access.put(tx, Applicant(5, "Ann"), AccessStatus.OWNER, SHELL, 0.0)
        assert (await environment.check_access(settings)).mark is Severity.FINE
    finally:
        await storage.close()


async def test_owners_in_settings_and_other_modes_are_fine(world: World) -> None:
    assert (await environment.check_access(world.settings(OWNER_IDS="5,6"))).found.endswith(
        "one of 2 owners lets them in"
    )
    for mode in ("open", "list"):
        found = await environment.check_access(world.settings(ACCESS=mode))
        assert (found.mark, found.found.partition(":")[0]) == (Severity.FINE, mode)
