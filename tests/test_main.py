"""The shell commands, as their users type them: what is missing is reported in a line, never as a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot import __version__
from bot.__main__ import console, main

ROOT = Path(__file__).parent.parent
BARE = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def _run(folder: Path, *arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-m", "bot", *arguments],
        cwd=folder,
        env={**BARE, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["keepsake", "--version"])
    with pytest.raises(SystemExit) as ended:
        console()
    assert (ended.value.code, capsys.readouterr().out) == (0, f"Keepsake {__version__}\n")


def test_help_shows_the_name_it_has(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["keepsake", "--help"])
    with pytest.raises(SystemExit):
        console()
    assert capsys.readouterr().out.startswith("usage: keepsake ")
    with pytest.raises(SystemExit):
        main(["--help"])
    assert capsys.readouterr().out.startswith("usage: python -m bot ")


@pytest.mark.parametrize(
    ("words", "usage"), [(["help"], "keepsake [-h]"), (["help", "export"], "keepsake export [-h]")]
)
def test_help_is_a_command_too(words: list[str], usage: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words, "keepsake")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {usage}")


@pytest.mark.parametrize("command", ["users", "import x.json"])
def test_a_folder_in_place_of_the_database(command: str, tmp_path: Path) -> None:
    (tmp_path / "data" / "keepsake.db").mkdir(parents=True)
    (tmp_path / "x.json").write_text("[]")
    ran = _run(tmp_path, *command.split())
    assert ran.returncode in (1, 2)
    assert ran.stderr.endswith("OperationalError: unable to open database file\n")
    assert ran.stderr.count("\n") == 1


def test_a_mistake_in_env_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ACCESS: list\n")
    told = _run(tmp_path, "users").stderr.splitlines()
    assert [line for line in told if ".env, line 1: this is skipped, without ACCESS" in line] == told[:1]
    assert len(told) == 2
    assert "list" not in told[0]


@pytest.mark.parametrize("command", ["users", "backup copy.db", "export", "allow 5"])
def test_without_a_database_commands_say_so(command: str, tmp_path: Path) -> None:
    ran = _run(tmp_path, *command.split())
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == f"there is no database data/keepsake.db{_created_by(command)}\n"


def _created_by(command: str) -> str:
    return ": the bot creates it when it starts" if command in ("users", "allow 5") else ""


def test_python_without_the_dependencies_gets_a_line(tmp_path: Path) -> None:
    ran = _run(tmp_path, "users", options=("-S",))
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert "is not installed for" in ran.stderr
    assert ".venv/bin/python" in ran.stderr


def test_sandbox_without_its_extra_names_it(tmp_path: Path) -> None:
    absent = tmp_path / "absent" / "websockets"
    absent.mkdir(parents=True)
    (absent / "__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'websockets'\", name='websockets')"
    )
    run = [sys.executable, "-m", "bot", "sandbox", "--stand-in", "--headless"]
    environment = {**BARE, "PYTHONPATH": f"{absent.parent}:{ROOT}"}
    ran = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=30)
    assert ran.returncode == 1
    assert ran.stderr.endswith(
        "websockets is not installed: the sandbox needs the extra sandbox (pip install -e '.[sandbox]')\n"
    )
    assert "Traceback" not in ran.stderr
