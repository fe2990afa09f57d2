"""What deploys the bot names settings, paths and commands that exist. Nothing is deployed here."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import Settings
from bot.wiring.sharing import DRAIN_S

ROOT = Path(__file__).parent.parent
COMPOSE = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("compose.yaml", "compose.postgres.yaml")}
WITH_POSTGRES = COMPOSE["compose.postgres.yaml"]
CADDY = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
REPLICAS = ["bot-1", "bot-2", "bot-3"]
_SECONDS = re.compile(r"(\d+)s")


def _read(name: str) -> dict[str, Any]:
    found = yaml.safe_load(COMPOSE[name])
    assert isinstance(found, dict)
    return found


def _bots(name: str) -> dict[str, Any]:
    """The services that are built from this repository."""
    return {service: one for service, one in _read(name)["services"].items() if "build" in one}


@pytest.mark.parametrize("name", COMPOSE)
def test_services_of_bot_set_what_there_is(name: str) -> None:
    variables = {field.upper() for field in Settings.model_fields}
    for bot in _bots(name).values():
        assert set(bot["environment"]) <= variables
        assert bot["env_file"] == ".env"
        assert bot["build"] == "."
        seconds = _SECONDS.fullmatch(bot["stop_grace_period"])
        assert seconds is not None
        assert int(seconds[1]) > DRAIN_S
        assert bot["read_only"] and bot["cap_drop"] == ["ALL"]  # noqa: PT018


def test_simple_way_is_one_bot_on_a_file() -> None:
    assert list(_read("compose.yaml")["services"]) == ["bot"]
    assert _bots("compose.yaml")["bot"]["environment"]["DATABASE_URL"].startswith("sqlite:////data/")


def test_replicas_are_the_same_and_use_the_database() -> None:
    read = _read("compose.postgres.yaml")
    services, bots = read["services"], _bots("compose.postgres.yaml")
    assert list(services) == [*REPLICAS, "postgres", "proxy"]
    assert list(bots) == REPLICAS
    assert bots["bot-1"] == bots["bot-2"] == bots["bot-3"]
    url = bots["bot-1"]["environment"]["DATABASE_URL"]
    server = services["postgres"]["environment"]
    assert (
        url == f"postgresql://{server['POSTGRES_USER']}:{server['POSTGRES_PASSWORD']}@postgres/{server['POSTGRES_DB']}"
    )
    assert "/readyz" in str(bots["bot-1"]["healthcheck"]["test"])
    for service in services.values():
        assert set(service.get("depends_on", [])) <= set(services)
        named = [volume.partition(":")[0] for volume in service.get("volumes", ())]
        assert {one for one in named if not one.startswith("./")} <= set(read["volumes"])


def test_images_of_others_have_a_major_version() -> None:
    services = _read("compose.postgres.yaml")["services"]
    assert all(re.fullmatch(r"\w+:\d+", services[name]["image"]) for name in ("postgres", "proxy"))


def test_no_secret_is_in_the_file() -> None:
    for line in WITH_POSTGRES.splitlines():
        if "PASSWORD" in line and not line.startswith("#"):
            assert "${POSTGRES_PASSWORD:?}" in line
    assert set(re.findall(r"^#   ([A-Z_]+)=", WITH_POSTGRES, re.MULTILINE)) == set(
        re.findall(r"\$\{(\w+)", WITH_POSTGRES)
    )


def test_proxy_passes_on_to_all_replicas() -> None:
    port = _bots("compose.postgres.yaml")["bot-1"]["environment"]["PORT"]
    assert re.findall(r"bot-\d:\d+", CADDY) == [f"{name}:{port}" for name in REPLICAS]
    assert "{$BOT_DOMAIN} {" in CADDY
    assert CADDY.count("{") == CADDY.count("}")
    mounted = [volume.split(":")[0] for volume in _read("compose.postgres.yaml")["services"]["proxy"]["volumes"]]
    assert (ROOT / mounted[0]).is_file()


def test_checks_run_the_python_of_the_image() -> None:
    python = _bots("compose.postgres.yaml")["bot-1"]["healthcheck"]["test"][1]
    assert f'CMD ["{python}"' in DOCKERFILE


def test_procfile_starts_a_web_process() -> None:
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    assert lines == ["web: env HOST=0.0.0.0 python -m bot"]
    assert "host" in Settings.model_fields


def test_hosts_and_image_install_what_postgres_needs() -> None:
    assert ".[postgres]" in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert all(re.search(rf"^{name}==", lock, re.MULTILINE) for name in ("psycopg", "psycopg-binary", "psycopg-pool"))
