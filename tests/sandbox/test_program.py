"""The sandbox in use: a process, with lines going in and text coming out."""

import asyncio
import fcntl
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from bot.media.sound import voice_note
from sandbox import page_session, program
from tests.media.files import picture, samples

BOT = """
import os, signal, sys, time, httpx

api = os.environ["TELEGRAM_API_URL"] + "/bot" + os.environ["TELEGRAM_BOT_TOKEN"]
http = httpx.Client(timeout=30)

def call(method, **parameters):
    return http.post(f"{api}/{method}", json=parameters).raise_for_status().json()["result"]

offset = 0
while True:
    for update in call("getUpdates", offset=offset, timeout=5):
        message = update.get("message") or update["edited_message"]
        chat = message["chat"]["id"]
        kinds = [kind for kind in ("photo", "voice", "document") if kind in message]
        text = message.get("text") or " ".join([*kinds, message.get("caption", "")])
        if chat < 0:
            text = message["from"]["first_name"] + ": " + text
        if text == "die":
            print("no reason to live", flush=True)
            sys.exit(3)
        if text == "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if text == "slow":
            call("sendMessageDraft", chat_id=chat, draft_id=os.getpid(), text="I am thin")
            time.sleep(30)
        call("sendMessage", chat_id=chat, text=f"you said {text}")
        offset = update["update_id"] + 1
"""
PROGRAM = f"import sys; from sandbox.program import main; sys.exit(main(sys.argv[1:], [sys.executable, '-c', {BOT!r}]))"


async def piped(folder: Path, lines: str, *options: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, "--data", str(folder), "--stand-in", *options,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(30):
        output, _ = await process.communicate(lines.encode())
    return process.returncode, output.decode()


class Terminal:
    """The sandbox on a pseudo-terminal."""

    def __init__(self, descriptor: int, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.seen = ""
        self._descriptor = descriptor

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    async def sees(self, text: str) -> None:
        """Wait until the text has appeared; what came before it is forgotten."""
        async with asyncio.timeout(15):
            while text not in self.seen:
                self.seen += (await asyncio.to_thread(os.read, self._descriptor, 4096)).decode()
        self.seen = self.seen.split(text, 1)[1]


@asynccontextmanager
async def terminal(folder: Path) -> AsyncIterator[Terminal]:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        "--data",
        str(folder),
        "--stand-in",
        "--terminal",
        stdin=theirs,
        stdout=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        os.close(ours)


async def test_piped_lines_are_answered_without_control_codes(tmp_path: Path) -> None:
    code, output = await piped(tmp_path, "hello\nagain\n")
    assert code == 0
    assert output.index("you> hello") < output.index("bot> you said hello") < output.index("you> again")
    assert output.index("you> again") < output.index("bot> you said again")
    assert "\x1b" not in output
    assert f"{tmp_path}/sandbox.log" in output


@pytest.mark.long
async def test_dying_bot_shows_last_words_and_code(tmp_path: Path) -> None:
    code, output = await piped(tmp_path, "die\nnever sent\n")
    assert code == 1
    assert "no reason to live\nThe bot ended by itself, with exit code 3." in output
    assert "never sent" not in output


async def test_commands_with_a_colon_are_obeyed_here(tmp_path: Path) -> None:
    code, output = await piped(tmp_path, ":help\n:prompt\n:press 1\n:kill\nqueued\n:start\n:quit\nnot read\n")
    assert code == 0
    assert ":press N" in output
    assert "has not had a request" in output
    assert "There is no such button" in output
    assert output.index("The bot has been started.") < output.index("bot> you said queued")
    assert "not read" not in output


@pytest.mark.long
async def test_bot_can_be_killed_mid_answer(tmp_path: Path) -> None:
    async with terminal(tmp_path) as chat:
        await chat.sees("you>")
        chat.type("slow\n")
        await chat.sees("I am thin")
        chat.type(":kill\n")
        await chat.sees("The bot was killed")
        chat.type(":start\n")
        await chat.sees("I am thin")  # the update was not acknowledged: it comes again
        chat.type("\x04")
        await chat.process.wait()
    assert chat.process.returncode == 0


async def test_lines_can_be_edited_and_brought_back(tmp_path: Path) -> None:
    async with terminal(tmp_path) as chat:
        await chat.sees("you>")
        chat.type("hllo\x1b[D\x1b[D\x1b[De\n")
        await chat.sees("bot> you said hello")
        chat.type("\x1b[A again\n")
        await chat.sees("bot> you said hello again")
        chat.type("\x04")
        await chat.process.wait()
    assert chat.process.returncode == 0


async def test_unfinished_line_is_shown_again(tmp_path: Path) -> None:
    async with terminal(tmp_path) as chat:
        await chat.sees("you>")
        chat.type("one\ntw")
        await chat.sees("bot> you said one")
        await chat.sees("you> tw")
        chat.type("o\n")
        await chat.sees("bot> you said two")


@pytest.mark.long
async def test_a_second_ctrl_c_ends_all_at_once(tmp_path: Path) -> None:
    async with terminal(tmp_path) as chat:
        await chat.sees("you>")
        chat.type("deaf\n")
        await chat.sees("bot> you said deaf")
        chat.process.send_signal(signal.SIGINT)
        await chat.sees("Stopping")
        chat.process.send_signal(signal.SIGINT)
        assert await chat.process.wait() == 130
    with (tmp_path / "sandbox.pid").open() as pid_file:
        async with asyncio.timeout(5):
            await asyncio.to_thread(fcntl.flock, pid_file, fcntl.LOCK_EX)  # no bot holds it any more


async def test_updates_pending_at_kill_arrive_after_restart(tmp_path: Path) -> None:
    async with terminal(tmp_path) as chat:
        await chat.sees("you>")
        chat.type("slow\n")
        await chat.sees("I am thin")
        chat.process.kill()
    async with terminal(tmp_path) as chat:
        await chat.sees("I am thin")
        chat.process.send_signal(signal.SIGINT)
        await chat.process.wait()
    assert chat.process.returncode == 0


async def test_the_servers_alone_print_what_a_bot_needs(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sandbox",
        "--headless",
        "--stand-in",
        "--data",
        str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode().strip() for _ in range(10)]
    process.terminate()
    assert await process.wait() == 0
    names = [line.removeprefix("export ").split("=")[0] for line in lines]
    assert set(names) == {
        "ACCESS", "ALLOWED_IDS", "DATABASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "OWNER_IDS",
        "TELEGRAM_API_URL", "TELEGRAM_BOT_TOKEN", "TRANSCRIPTION_MODEL",
    }  # fmt: skip


async def test_a_model_url_needs_a_model(tmp_path: Path) -> None:
    code, _ = await piped(tmp_path, "", "--model-url", "http://127.0.0.1:1/v1")
    assert code == 2


def test_wrong_port_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        program.parse(["--port", "65536"])
    assert "a port is a number from 0 to 65535" in capsys.readouterr().err


async def test_damaged_chats_are_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "sandbox-telegram.db").write_text("no database, but long enough to be read as one")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, "--data", str(tmp_path), "--stand-in", "--headless",
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(30):
        _, errors = await process.communicate()
    assert errors.decode().splitlines() == ["The sandbox had to stop: file is not a database"]
    assert process.returncode == 1


async def test_page_is_served_until_a_signal(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, "--data", str(tmp_path), "--stand-in", "--page", "--no-browser",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(30):
        lines = [(await process.stdout.readline()).decode() for _ in range(4)]
        assert "# stand-in: It understands nothing.\n" in lines
        address = next(line for line in lines if "http://" in line).split()[-1]
        async with httpx.AsyncClient(follow_redirects=True) as browser:
            assert (await browser.get(address.partition("?")[0])).status_code == 403
            assert "Keepsake sandbox" in (await browser.get(address)).text
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


@pytest.mark.parametrize(
    ("options", "face"),
    [
        (["--page"], program.Face.PAGE),
        (["--terminal"], program.Face.TERMINAL),
        (["--headless"], program.Face.NONE),
        ([], program.Face.TERMINAL),
    ],
)
def test_without_a_terminal_lines_are_read(options: list[str], face: program.Face) -> None:
    """Here, input isn't a terminal."""
    assert program.parse(options).face is face


def test_without_its_libraries_page_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "find_spec", lambda name: None if name == "nicegui" else name)
    assert program.parse(["--page"]).face is program.Face.TERMINAL
    assert "The page needs nicegui" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, False),
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"DISPLAY": ""}, False),
    ],
)
def test_browser_opens_only_where_it_shows(
    variables: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", "linux")
    assert page_session.has_display() is wanted


@pytest.mark.long
async def test_files_edits_and_other_people_can_be_played(tmp_path: Path) -> None:
    (tmp_path / "my cat.png").write_bytes(picture(kind="PNG"))
    (tmp_path / "words.ogg").write_bytes(voice_note(samples(2.0)))
    lines = [
        f":photo '{tmp_path}/my cat.png' our cat",
        f":voice {tmp_path}/words.ogg",
        f":file {tmp_path}/words.ogg",
        f":photo {tmp_path}/words.ogg",
        ":photo /nowhere.png",
        ":photo",
        ":edit too early? no: files are messages too",
        "hallo",
        ":edit hello",
        ":group",
        "to all",
        ":as Bob",
        "I am here",
        ":home",
        "alone again",
    ]
    code, output = await piped(tmp_path, "\n".join(lines))
    assert code == 0
    said = [line.removeprefix("bot> you said ") for line in output.splitlines() if line.startswith("bot> ")]
    assert said == [
        *("photo our cat", "voice", "document", "document too early? no: files are messages too", "hallo", "hello"),
        *("You: to all", "Bob: I am here", "alone again"),
    ]
    assert "A photo is a JPEG" in output
    assert "/nowhere.png can't be sent" in output
    assert "Which file?" in output


@pytest.mark.parametrize(("url", "key"), [("http://a.example/v1", "sk-x"), ("http://b.example/v1", "none")])
def test_the_environments_key_stays_with_its_server(url: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://a.example/v1")
    remote = program.parse(["--model-url", url, "--model", "m"]).remote_model
    assert remote is not None
    assert remote.key == key
