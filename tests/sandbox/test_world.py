import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from sandbox import seed
from sandbox.answering import ModelKind, RemoteModel
from sandbox.bot_process import BotProcess
from sandbox.model import MODEL_NAME, ModelServer
from sandbox.user_api.client import UserClient
from sandbox.world import World


async def get_updates(world: World) -> list[dict[str, object]]:
    url = f"{world.environment['TELEGRAM_API_URL']}/bot{world.environment['TELEGRAM_BOT_TOKEN']}/getUpdates"
    async with httpx.AsyncClient() as http:
        updates: list[dict[str, object]] = (await http.post(url, json={"timeout": 0})).json()["result"]
    return updates


async def test_the_environment_leads_a_bot_to_both_servers(tmp_path: Path) -> None:
    async with World(tmp_path) as world, httpx.AsyncClient() as http:
        assert len(await get_updates(world)) == len(seed.TOPICS)
        key = {"Authorization": f"Bearer {world.environment['OPENAI_API_KEY']}"}
        models = await http.get(f"{world.environment['OPENAI_BASE_URL']}/models", headers=key)
    assert models.json()["data"][0]["id"] == world.environment["OPENAI_MODEL"]
    assert world.environment["ACCESS"] == "approval"
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
        first, second = (await get_updates(world))[-2:]
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


async def test_owner_and_groups_have_access_already(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        group, forum = (world.telegram.find_group(title) for title in (seed.GROUP, seed.FORUM))
        assert group is not None
        assert forum is not None
        assert world.environment["OWNER_IDS"] == str(world.telegram.user(seed.OWNER).id)
        assert world.environment["ALLOWED_IDS"] == f"{group.id},{forum.id}"
        first = await get_updates(world)
    async with World(tmp_path) as world:
        assert len(first) == len(await get_updates(world)) == len(seed.TOPICS), "a seeded world stays as it is"


async def test_tokens_and_keys_are_new_each_time(tmp_path: Path) -> None:
    seen = []
    for _ in range(2):
        async with World(tmp_path) as world:
            seen.append(
                (world.user_token, world.environment["TELEGRAM_BOT_TOKEN"], world.environment["OPENAI_API_KEY"])
            )
    assert len({secret for secrets in seen for secret in secrets}) == 6


async def test_bot_is_restarted_with_another_model(tmp_path: Path) -> None:
    script = (
        "import os, time; print(os.environ['OPENAI_MODEL'], os.environ['OPENAI_API_KEY'], flush=True); time.sleep(30)"
    )
    elsewhere = ModelServer(key="sk-elsewhere")
    async with World(tmp_path, bot=[sys.executable, "-uc", script]) as world, elsewhere.run() as url:
        assert world.bot is not None
        await world.bot.start()
        await world.replace_model(f" {url} ", "sk-elsewhere", "better")
        await _printed(world.bot, "better sk-elsewhere")
        assert world.model_in_use.kind == str(ModelKind.REMOTE)
        await world.restore_model()
        await _printed(world.bot, f"{MODEL_NAME} {world.environment['OPENAI_API_KEY']}")
        assert world.model_in_use.kind == str(ModelKind.STAND_IN)
    assert not world.bot.running


@pytest.mark.parametrize(
    ("url", "key", "reason"),
    [
        ("ftp://a.example", "k", "needs the http"),
        ("http://", "k", "needs the http"),
        ("http://[", "k", "IPv6"),
        ("http://127.0.0.1:1/v1", "k", "can't be reached"),
        ("http://127.0.0.1:1/v1", "with\nlines", "characters"),
        ("HERE", "wrong", "refuses the key"),
    ],
)
async def test_unusable_model_changes_nothing(tmp_path: Path, url: str, key: str, reason: str) -> None:
    elsewhere = ModelServer(key="sk-elsewhere")
    async with World(tmp_path, bot=[sys.executable, "-c", ""]) as world, elsewhere.run() as here:
        before = dict(world.environment)
        with pytest.raises(ValueError, match=reason):
            await world.replace_model(here if url == "HERE" else url, key, "better")
        assert world.environment == before
        assert world.model_in_use.kind == str(ModelKind.STAND_IN)


async def test_bot_of_another_shell_keeps_its_model(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        with pytest.raises(ValueError, match="not started here"):
            await world.replace_model("http://127.0.0.1:1/v1", "", "better")


async def _printed(bot: BotProcess, line: str) -> None:
    async with asyncio.timeout(5):
        while line not in bot.last_lines():  # noqa: ASYNC110 - another process's file has no event
            await asyncio.sleep(0.01)


async def test_address_of_people_is_for_same_user(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        path = tmp_path / "sandbox-user-api.json"
        assert path.stat().st_mode & 0o777 == 0o600
        async with UserClient.of(tmp_path) as client:
            assert (await client.state())["bot"]["name"] == "Keepsake"
        assert world.user_token in path.read_text()
    with pytest.raises(FileNotFoundError):
        UserClient.of(tmp_path)
