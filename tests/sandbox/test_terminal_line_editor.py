"""Keys at a real (pseudo) terminal: what prompt_toolkit makes of them, and what the sandbox does with the lines."""

from pathlib import Path

from tests.sandbox.test_program import terminal

UP, TAB, CTRL_C, CTRL_D = "\x1b[A", "\t", "\x03", "\x04"


async def test_lines_of_earlier_sessions_come_back(tmp_path: Path) -> None:
    for typed in ("hello\n", f"{UP} again\n"):
        async with terminal(tmp_path) as chat:
            await chat.sees("you>")
            chat.type(typed)
            await chat.sees(f"bot> you said hello{' again' if typed.startswith(UP) else ''}")
            chat.type(CTRL_D)
            assert await chat.process.wait() == 0


async def test_commands_and_paths_are_completed(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("one")
    async with terminal(tmp_path) as chat:
        await chat.sees("you>")
        chat.type(":prom")
        await chat.sees("show the messages")  # the menu, with what each command does
        chat.type(TAB)
        await chat.sees("pt")
        chat.type("\n")
        await chat.sees("has not had a request")
        chat.type(f":file {tmp_path}/no")
        await chat.sees("notes.txt")
        chat.type(TAB)
        await chat.sees("tes.txt")
        chat.type("\n")
        await chat.sees("bot> you said document")
        chat.type(CTRL_C)
        await chat.sees("Stopping")
        assert await chat.process.wait() == 0


async def test_pasted_lines_are_one_message(tmp_path: Path) -> None:
    async with terminal(tmp_path) as chat:
        await chat.sees("you>")
        chat.type("\x1b[200~one\ntwo\x1b[201~\n")
        await chat.sees("bot> you said one\r\ntwo")
