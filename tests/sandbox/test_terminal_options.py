import pytest

from sandbox.terminal import program


@pytest.mark.parametrize(("url", "key"), [("http://a.example/v1", "sk-x"), ("http://b.example/v1", "none")])
def test_the_environments_key_stays_with_its_server(url: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://a.example/v1")
    remote = program.parse(["--model-url", url, "--model", "m"]).remote_model
    assert remote is not None
    assert remote.key == key
