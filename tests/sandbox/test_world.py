from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from sandbox.world import RemoteModel, World


async def get_updates(world: World) -> list[dict[str, object]]:
    url = f"{world.environment['TELEGRAM_API_URL']}/bot{world.environment['TELEGRAM_BOT_TOKEN']}/getUpdates"
    async with httpx.AsyncClient() as http:
        updates: list[dict[str, object]] = (await http.post(url, json={"timeout": 0})).json()["result"]
    return updates


async def test_the_environment_leads_a_bot_to_both_servers(tmp_path: Path) -> None:
    async with World(tmp_path) as world, httpx.AsyncClient() as http:
        assert await get_updates(world) == []
        key = {"Authorization": f"Bearer {world.environment['OPENAI_API_KEY']}"}
        models = await http.get(f"{world.environment['OPENAI_BASE_URL']}/models", headers=key)
    assert models.json()["data"][0]["id"] == world.environment["OPENAI_MODEL"]
    assert world.environment["ACCESS"] == "open"
    assert world.environment["DATABASE_URL"] == f"sqlite:///{tmp_path}/sandbox.db"


async def test_real_model_server_can_replace_stand_in(tmp_path: Path) -> None:
    remote = RemoteModel("http://127.0.0.1:11434/v1", "qwen3", "secret")
    async with World(tmp_path, remote_model=remote) as world:
        names = ("OPENAI_BASE_URL", "OPENAI_MODEL", "OPENAI_API_KEY")
        assert [world.environment[name] for name in names] == [remote.url, remote.name, remote.key]


async def test_world_continues_where_last_one_ended(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        user = world.telegram.user("Ann")
        await user.say(world.telegram.private(user), "one")
    async with World(tmp_path) as world:
        user = world.telegram.user("Ann")
        await user.say(world.telegram.private(user), "two")
        first, second = await get_updates(world)
        assert [message.text for message in world.telegram.private(user).messages] == ["one", "two"]
    assert second["update_id"] == first["update_id"] + 1  # type: ignore[operator]  # JSON


async def test_two_worlds_do_not_share_a_folder(tmp_path: Path) -> None:
    async with World(tmp_path):
        with pytest.raises(OSError, match="another sandbox is running"):
            await World(tmp_path).__aenter__()
    async with World(tmp_path):
        pass  # the lock ended with the first world


async def test_ports_can_be_fixed(tmp_path: Path, unused_tcp_port_factory: Callable[[], int]) -> None:
    ports = unused_tcp_port_factory(), unused_tcp_port_factory()
    async with World(tmp_path, bot_api_port=ports[0], model_port=ports[1]) as world:
        assert world.environment["TELEGRAM_API_URL"] == f"http://127.0.0.1:{ports[0]}"
        assert world.environment["OPENAI_BASE_URL"] == f"http://127.0.0.1:{ports[1]}/v1"
