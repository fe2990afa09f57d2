"""DATABASE_URL names an SQLite file or a PostgreSQL database, and its password is never shown."""

import sys

import pytest

from bot import logs
from bot.errors import SettingError
from bot.settings import Settings, load, with_database

PASSWORD = "pa55-w0rd"


@pytest.fixture(autouse=True)
def needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123456:AAE-very_secret_token")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdef-secret")


def _settings(monkeypatch: pytest.MonkeyPatch, url: str) -> Settings:
    monkeypatch.setenv("DATABASE_URL", url)
    return load(env_file=None)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"postgres://ann:{PASSWORD}@db.example.com:5432/memory?sslmode=require", "db.example.com:5432/memory"),
        (f"postgresql://ann:{PASSWORD}@db.example.com/memory", "db.example.com/memory"),
        (f"postgresql://ann:{PASSWORD}@one,two/memory", "one,two/memory"),
        (f"postgresql://ann:{PASSWORD}@[::1]:5433/memory", "[::1]:5433/memory"),
        (f"postgresql://ann:{PASSWORD}@db.example.com", "db.example.com/ann"),
        (f"postgresql:///memory?host=/run/postgresql&user=ann&password={PASSWORD}", "/run/postgresql/memory"),
    ],
)
def test_name_of_postgres_has_no_password(monkeypatch: pytest.MonkeyPatch, url: str, name: str) -> None:
    settings = _settings(monkeypatch, url)
    assert (settings.uses_postgres, settings.database_name) == (True, f"postgresql://{name}")
    assert PASSWORD in settings.secrets
    assert PASSWORD not in str(settings.names_for_log)


@pytest.mark.parametrize("scheme", ["POSTGRESQL", "Postgres"])
def test_scheme_may_be_in_capitals(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    settings = _settings(monkeypatch, f"{scheme}://Ann:{PASSWORD}@localhost/Memory")
    assert settings.database_url == f"{scheme.lower()}://Ann:{PASSWORD}@localhost/Memory"
    assert settings.database_name == "postgresql://localhost/Memory"
    assert with_database(settings, "SQLite:////srv/Keepsake.db").database_name == "/srv/Keepsake.db"


def test_name_of_sqlite_is_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(monkeypatch, "sqlite:////srv/keepsake.db")
    assert (settings.uses_postgres, settings.database_name) == (False, "/srv/keepsake.db")


def test_log_hides_password_in_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(monkeypatch, "postgres://ann:p%40ss%2Fw0rd@localhost/memory")
    hidden = logs.SecretFilter(settings.secrets).hide(f"{settings.database_url} p@ss/w0rd")
    assert "w0rd" not in hidden


@pytest.mark.parametrize(
    "url",
    [
        f"postgres://ann:%{PASSWORD}@localhost/memory",
        f"postgres://ann:{PASSWORD}@{PASSWORD}@localhost/memory",
        f"postgres://ann:1/{PASSWORD}@localhost/memory",
        f"postgres://ann:{PASSWORD}@localhost:{PASSWORD}/memory",
        f"postgres://ann:{PASSWORD}@[localhost/memory",
    ],
)
def test_unreadable_postgres_url_shows_no_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(SettingError, match=r"^DATABASE_URL: it can't be read; in a password") as raised:
        _settings(monkeypatch, url)
    assert PASSWORD not in str(raised.value)


def test_parameter_of_another_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError, match='PostgreSQL knows no "pgbouncer" in a URL: remove it'):
        _settings(monkeypatch, f"postgres://ann:{PASSWORD}@localhost/memory?pgbouncer=true")


def test_without_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "storage.postgres.url", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingError, match=r"pip install 'keepsake-bot\[postgres\]'"):
        _settings(monkeypatch, "postgres://localhost/memory")


def test_repr_of_settings_has_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PASSWORD not in repr(_settings(monkeypatch, f"postgres://ann:{PASSWORD}@localhost/memory"))


def test_other_database_has_a_name_and_hidden_password(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(monkeypatch, "sqlite:////srv/keepsake.db")
    other = with_database(settings, f"postgres://ann:{PASSWORD}@localhost/memory")
    assert (other.database_name, settings.database_name) == ("postgresql://localhost/memory", "/srv/keepsake.db")
    assert PASSWORD in other.secrets
    with pytest.raises(SettingError, match=r"^the URL of the database: it can't be read") as raised:
        with_database(settings, f"postgres://ann:1/{PASSWORD}@localhost/memory")
    assert PASSWORD not in str(raised.value)
