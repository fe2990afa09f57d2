"""A wrong setting is told in one line that begins with its name, and shows no secret."""

import os
from pathlib import Path

import pytest

from bot.errors import SettingError
from bot.setting_groups import DASHSCOPE
from bot.settings import Settings, load, setting_mistakes

REQUIRED = {"TELEGRAM_BOT_TOKEN": "123456:AAE-very_secret", "OPENAI_API_KEY": "sk-0123456789abcdef"}


@pytest.fixture(autouse=True)
def only_what_a_test_sets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.lower() in Settings.model_fields:
            monkeypatch.delenv(name)
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


def test_two_variables_are_enough(tmp_path: Path) -> None:
    settings = load()
    assert settings.openai_base_url == DASHSCOPE
    assert settings.openai_model == "qwen-plus"
    assert settings.database_path == Path("data/keepsake.db")
    assert settings.access == "approval"
    assert settings.listen_port is None


def test_environment_overrides_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("OPENAI_MODEL=from-file\nTIMEZONE=Europe/Berlin\nANYTHING_ELSE=1\n")
    monkeypatch.setenv("OPENAI_MODEL", "from-environment")
    settings = load()
    assert (settings.openai_model, settings.zone.key) == ("from-environment", "Europe/Berlin")


def test_env_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"SYSTEM_PROMPT=\xff\xfe")
    with pytest.raises(SettingError, match=r"^\.env: this file is not UTF-8"):
        load()


def test_an_empty_value_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    assert (load().port, load().openai_base_url) == (None, DASHSCOPE)


def test_dashscopes_name_of_the_key_is_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-dash")
    assert load().model_key == "sk-dash"


def test_dashscope_key_name_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read only where OPENAI_API_KEY is set nowhere."""
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-dash")
    (tmp_path / ".env").write_text("OPENAI_API_KEY=\nDASHSCOPE_API_KEY=sk-dash-from-file\n")
    assert load().model_key == "sk-dash"
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-from-file\n")
    assert load().model_key == "sk-from-file"


@pytest.mark.parametrize(
    ("name", "hint"), [("TELEGRAM_BOT_TOKEN", "@BotFather"), ("OPENAI_API_KEY", "DASHSCOPE_API_KEY")]
)
def test_missing_setting_is_named_with_its_source(name: str, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(SettingError, match=f"^{name} is missing: .*{hint}"):
        load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TELEGRAM_BOT_TOKEN", "very_secret"),
        ("TELEGRAM_BOT_TOKEN", "123456:ключ"),
        ("TELEGRAM_API_URL", "api.telegram.org"),
        ("OPENAI_BASE_URL", "ftp://x"),
        ("FALLBACK_BASE_URL", "ftp://x"),
        ("OPENAI_BASE_URL", "http://host:abc/v1"),
        ("OPENAI_BASE_URL", "http://two hosts/v1"),
        ("TELEGRAM_API_URL", "http://host:99999"),
        ("OPENAI_API_KEY", "very_secret with spaces"),
        ("OPENAI_API_KEY", "ключ"),
        ("LLM_API", "completions"),
        ("LLM_API", "soap"),
        ("LLM_EXTRA_BODY", "{"),
        ("LLM_EXTRA_BODY", "[]"),
        ("LLM_EXTRA_BODY", '{"stream": false}'),
        ("LLM_EXTRA_BODY", '{"model": "another"}'),
        ("LLM_EXTRA_BODY", '{"api_key": "sk-very_secret"}'),
        ("LLM_EXTRA_BODY", '{"temperature": NaN}'),
        pytest.param("LLM_EXTRA_BODY", "[" * 100_000, id="LLM_EXTRA_BODY-deep"),
        ("EMBEDDING_BASE_URL", "x"),
        ("CONTEXT_WINDOW", "12"),
        ("MEMORY", "none"),
        ("COMPACT_AT", "70"),
        ("COMPACT_AT", "0"),
        ("COMPACT_SCHEDULE", "sometimes"),
        ("COMPACT_SCHEDULE", "0 3 * * 8"),
        ("COMPACT_SCHEDULE", "@reboot"),
        ("COMPACT_SCHEDULE", " "),
        ("CACHED_PRICE", "inf"),
        ("MODEL_TIMEOUT", "inf"),
        ("KEEP_ROUNDS", "0"),
        ("RECALL_TOKENS", "-1"),
        ("CACHED_PRICE", "cheap"),
        ("OUTPUT_PRICE", "-1"),
        ("CACHE_MARKERS", "maybe"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:///data/"),
        ("DATABASE_URL", "sqlite:///keepsake.db?mode=ro"),
        ("ACCESS", "all"),
        ("OWNER_IDS", "ann"),
        ("OWNER_IDS", "1_0"),
        ("ALLOWED_IDS", "1;2"),
        ("GROUP_TRIGGER", "never"),
        ("GROUP_LISTEN", "maybe"),
        ("WEBHOOK_URL", "http://example.com/hook"),
        ("WEBHOOK_URL", "https://example.com:99999/hook"),
        ("WEBHOOK_URL", "example.com/hook"),
        ("WEBHOOK_SECRET", "very_secret with spaces"),
        ("PORT", "70000"),
        ("TIMEZONE", "Mars/Olympus"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("MODEL_TIMEOUT", "0"),
        ("RESET_KEEP_DAYS", "0"),
        ("INBOX_KEEP_DAYS", "x"),
    ],
)
def test_wrong_value_is_one_line_with_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError) as caught:
        load()
    line = str(caught.value)
    assert line.startswith(f"{name}: ")
    assert "\n" not in line
    assert "very_secret" not in line


def test_first_wrong_setting_in_order_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("ACCESS", "x")
    with pytest.raises(SettingError, match=r"^ACCESS:"):
        load()


@pytest.mark.parametrize("key", ["sk-proj-abc", "sk-svcacct-abc", "sk-abcT3BlbkFJdef"])
def test_openai_key_needs_a_base_url(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(SettingError, match=r"^OPENAI_BASE_URL: ") as caught:
        load()
    assert key not in str(caught.value)
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.openai.com/v1/")
    assert load().openai_base_url == "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMPACT_AT", "0.5"),
        ("COMPACT_SCHEDULE", "0 3 * * 7"),
        ("COMPACT_SCHEDULE", "@daily"),
        ("LLM_EXTRA_BODY", '{"enable_thinking": true}'),
        ("OWNER_IDS", "1, -100200"),
        ("WEBHOOK_URL", "http://127.0.0.1:8443/hook"),
        ("LOG_LEVEL", "debug"),
        ("DATABASE_URL", "sqlite:////srv/keepsake.db"),
    ],
)
def test_right_values_are_taken(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    load()


def test_values_are_parsed_into_usable_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWNER_IDS", "1, -100200")
    monkeypatch.setenv("LLM_EXTRA_BODY", '{"enable_thinking": true}')
    monkeypatch.setenv("DATABASE_URL", "sqlite:////srv/keepsake.db")
    settings = load()
    assert settings.owner_ids == {1, -100200}
    assert settings.llm_extra_body == {"enable_thinking": True}
    assert settings.database_path == Path("/srv/keepsake.db")


def test_webhook_has_own_port_and_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_URL", "https://bot.example.org/hook")
    settings = load()
    assert settings.listen_port == 8080
    assert len(settings.secret_of_webhook) == 64
    assert settings.secret_of_webhook == load().secret_of_webhook
    monkeypatch.setenv("WEBHOOK_SECRET", "chosen")
    assert load().secret_of_webhook == "chosen"


@pytest.mark.parametrize(
    "name",
    ["OPENAI_MODEL", "VISION_MODEL", "EMBEDDING_MODEL", "TRANSCRIPTION_MODEL", "FALLBACK_MODEL", "VOICE"],
)
@pytest.mark.parametrize("value", [" ", "\t", "qwen\nplus", "q" * 300])
def test_a_name_names_something(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=rf"^{name}: "):
        load()


@pytest.mark.parametrize("path", ["/dev/null", "/dev/full", "/dev/zero"])
def test_a_device_is_no_database(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{path}")
    with pytest.raises(SettingError, match=r"^DATABASE_URL: .*device"):
        load()


def test_secrets_are_in_no_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", "swordfish")
    others = {f"{name}_API_KEY": f"{name}-very_secret" for name in ("DASHSCOPE", "EMBEDDING", "TRANSCRIPTION")}
    for name, value in others.items():
        monkeypatch.setenv(name, value)
    settings = load()
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert "very_secret" not in shown
        assert "swordfish" not in shown
        assert REQUIRED["OPENAI_API_KEY"] not in shown
    assert set(settings.secrets) == {*REQUIRED.values(), *others.values(), "swordfish"}
    monkeypatch.delenv("WEBHOOK_SECRET")
    assert load().secret_of_webhook in load().secrets


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"FALLBACK_BASE_URL": "https://other.example/v1"}, "FALLBACK_MODEL"),
        ({"OPENAI_MODEL": "one", "FALLBACK_MODEL": "one"}, "FALLBACK_MODEL"),
        ({"FALLBACK_MODEL": "other", "FALLBACK_BASE_URL": "https://other.example/v1"}, "FALLBACK_API_KEY"),
    ],
)
def test_a_fallback_is_whole_or_not_there(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], missing: str) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=rf"^{missing}: "):
        load()


def test_keys_in_the_profiles_are_secrets_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text('[fallbacks."other"]\nbase_url = "https://a.example/v1"\napi_key = "sk-of-the-other"\n')
    monkeypatch.setenv("MODEL_PROFILES", str(path))
    assert "sk-of-the-other" in load(env_file=None).secrets


def test_commands_on_the_database_need_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in REQUIRED:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///other.db")
    assert load(online=False).database_path == Path("other.db")
    monkeypatch.setenv("TIMEZONE", "Mars")
    with pytest.raises(SettingError, match=r"^TIMEZONE: "):
        load(online=False)


def test_unknown_names_are_reported_with_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text(
        "# OPENAI_MODLE=x\nexport OPENAI_MODLE=x\nzzzz='1'\ntimezone=UTC\nBACKUP_DIRECTORY=a\n"
    )
    monkeypatch.setenv("OPENAI_BASE_URLS", "secret")
    monkeypatch.setenv("OPENAI_API_BASE", "another program's")
    assert [one.text for one in setting_mistakes()] == [
        ".env has OPENAI_MODLE, which is not a setting; did you mean OPENAI_MODEL?",
        ".env has zzzz, which is not a setting",
        ".env has BACKUP_DIRECTORY, which is not a setting; did you mean BACKUP_DIR?",
        "the environment has OPENAI_BASE_URLS, which is not a setting; did you mean OPENAI_BASE_URL?",
    ]


@pytest.mark.parametrize(
    ("name", "likely"),
    [
        ("MODEL", "OPENAI_MODEL"),
        ("TOKEN", "TELEGRAM_BOT_TOKEN"),
        ("API_KEY", "OPENAI_API_KEY"),
        ("BASE_URL", "OPENAI_BASE_URL"),
        ("LOG-LEVEL", "LOG_LEVEL"),
        ("OWNERS_ID", "OWNER_IDS"),
    ],
)
def test_the_nearest_name_may_be_an_ending(name: str, likely: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"{name}=x\n")
    assert [one.likely for one in setting_mistakes()] == [likely]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("ACCESS: list\n", "line 1: this is skipped, without ACCESS: it is not of the form"),
        ('\n\n#\nOPENAI_MODEL="a\nTIMEZONE=UTC\n', "line 4: this is skipped, without OPENAI_MODEL: it is not"),
        ('OPENAI_MODEL="a\nTIMEZONE="UTC"\n', "line 1: this is skipped, without OPENAI_MODEL, TIMEZONE: it is not"),
        ('SYSTEM_PROMPT="a\nACCESS=list\n"\n', "line 1: the value of SYSTEM_PROMPT includes the line of ACCESS; a"),
        ("set ACCESS=list\n", "line 1: this is skipped, without ACCESS: it is not of the form"),
        ("TIME ZONE=UTC\n", "line 1: this is skipped: it is not of the form"),
        ("ACCESS\n", "line 1: ACCESS has no value; write ACCESS=value"),
        ("ACCESS=open\r\nTIMEZONE=UTC\r\nexport access=list\r\n", "has ACCESS 2 times; the last one counts"),
        ("\ufeffACESS=open\n", "has ACESS, which is not a setting; did you mean ACCESS?"),
    ],
)
def test_lines_that_have_no_effect_are_reported(lines: str, told: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(lines.encode())
    texts = [one.text for one in setting_mistakes()]
    assert any(told in text for text in texts), texts


@pytest.mark.parametrize("line", ["{}", "OPENAI_API_KEY:{}", "OPENAI_API_KEY {}", "'{}'", "{}=", "{}==", "OPENAI-{}=1"])
def test_a_misplaced_secret_is_not_shown(line: str, tmp_path: Path) -> None:
    secret = "sk-1b2c3d4e5f"
    (tmp_path / ".env").write_text(line.format(secret) + "\n")
    assert [one.text for one in setting_mistakes() if secret in one.text] == []
    assert [one.text for one in setting_mistakes() if ".env, line 1:" in one.text]


@pytest.mark.parametrize("value", ["a b", "'a b'", '"a\nb"', "", "a # comment", "a#b", "$HOME"])
def test_ordinary_lines_are_no_mistakes(value: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"# ACCESS: x\n\n  export  SYSTEM_PROMPT = {value}\n")
    assert setting_mistakes() == []


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\xff\xfeA\0", None])
def test_unreadable_env_files_have_no_names(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / ".env").write_bytes(content)
    assert setting_mistakes() == []


def test_missing_setting_shows_a_mistyped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TELEGRAM_BOT_TOKEN")
    (tmp_path / ".env").write_text("TELEGRAM_TOKEN=1:a\n")
    with pytest.raises(SettingError, match=r"^TELEGRAM_BOT_TOKEN is missing.*\.env has TELEGRAM_TOKEN, which"):
        load()
