"""The dialogs and drawers around the chats: new chats, another model, and trouble."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from nicegui import ui

from sandbox.answering import ModelInUse
from sandbox.botapi.parameters import VERSIONS
from sandbox.troubles import MODEL_FAULTS, SLOW_S, Troubles
from sandbox.user_api.client import UserApiError
from sandbox.world import World

ICONS: Final = {"local": "memory", "stand-in": "smart_toy", "remote": "cloud"}
MODEL_NOTE: Final = "Any server with OpenAI's API. The key stays in the sandbox's memory, and is not shown again."
FAULT_NOTE: Final = "For the sandbox's own models: a model elsewhere is asked directly."
VERSION_NOTE: Final = "The bot learns once what a server can do: restart it to let it look again."
BOT_STATES: Final = {"running": "The bot is running.", "stopped": "The bot is not running."}
BOT_STATES_ELSE: Final = "The bot was started elsewhere."


def icon_button(icon: str, label: str, act: Callable[[], object] | None, test_id: str) -> ui.button:
    """A round button that shows an icon."""
    button = ui.button(icon=icon, on_click=act, color=None)
    return button.props(f'flat round title="{label}" aria-label="{label}" data-testid={test_id}')


def say_no(sentence: str) -> None:
    """Tell the person that something was not done."""
    ui.notify(sentence, type="negative", position="top")


class FormDialog:
    """Asks for texts, each with a label; `fields` starting with a dot are secret and never shown again.

    `act` gets them, and may raise UserApiError or ValueError, whose sentence is shown.
    """

    def __init__(
        self,
        title: str,
        fields: Mapping[str, str],
        act: Callable[..., Awaitable[object]],
        note: str = "",
        name: str = "",
        ok: str = "OK",
    ) -> None:
        self._act = act
        with ui.dialog().props(f'aria-label="{title}"') as self._dialog, ui.card().classes("dialog") as self.card:
            self.card.props(f"data-testid={name}-dialog")
            ui.label(title).classes("title").props("role=heading aria-level=2")
            ui.label(note).classes("subtitle").set_visibility(bool(note))
            with ui.element("form").on("submit.prevent", self._submit):
                self._inputs = {
                    field: ui.input(label, password=field.startswith(".")).props(
                        f"outlined dense autocomplete=off data-testid={name}-{field.strip('.')}"
                    )
                    for field, label in fields.items()
                }
                self._wrong = ui.label().classes("wrong").props("role=alert")
                with ui.row().classes("actions") as self.actions:
                    ui.button("Cancel", on_click=self._dialog.close).props("flat no-caps type=button")
                    self._ok = ui.button(ok).props(f"unelevated no-caps type=submit data-testid={name}-ok")

    def close(self) -> None:
        self._dialog.close()

    def open(self) -> None:
        self._wrong.text = ""
        self._forget(".")
        self._dialog.open()

    def _forget(self, prefix: str) -> None:
        for field, shown in self._inputs.items():
            if field.startswith(prefix):
                shown.value = ""

    async def _submit(self) -> None:
        given = [shown.value.strip() for shown in self._inputs.values()]
        self._forget(".")
        self._ok.props("loading")
        try:
            await self._act(*given)
        except (UserApiError, ValueError) as exc:
            self._wrong.text = str(exc)
        else:
            self._forget("")
            self._dialog.close()
        finally:
            self._ok.props(remove="loading")


def model_banner(world: World) -> None:
    """A bar that says which model answers, with a dialog that puts another one in its place."""

    async def restore() -> None:
        try:
            await world.restore_model()
            dialog.close()
        except ValueError as exc:
            say_no(str(exc))

    async def replace(url: str, name: str, key: str) -> None:
        await world.replace_model(url, key, name)

    fields = {"url": "URL, such as https://api.openai.com/v1", "name": "Model", ".key": "Key"}
    dialog = FormDialog("Use another model", fields, replace, MODEL_NOTE, "model", "Use it")
    with dialog.actions:
        back = ui.button("Back to the sandbox's own", on_click=restore).props("flat no-caps type=button")
        back.bind_visibility_from(world, "model_in_use", lambda model: model.kind == "remote").move(target_index=0)
    with ui.element("section").classes("banner").props('aria-label="Model" data-testid=model-banner'):
        icon = ui.icon("memory").props("aria-hidden=true")
        icon.bind_name_from(world, "model_in_use", lambda model: ICONS[model.kind])
        with ui.element("div").classes("words"):
            ui.label().classes("title").bind_text_from(world, "model_in_use", _model_title)
            ui.label().classes("subtitle").bind_text_from(world, "model_in_use", lambda model: model.note)
        ui.button("Use another", on_click=dialog.open).props("flat dense no-caps data-testid=change-model")


def _model_title(model: ModelInUse) -> str:
    where = {"local": ", on this machine", "stand-in": ": there is no model", "remote": ""}[model.kind]
    return f"{'A stand-in' if model.kind == 'stand-in' else model.name} answers{where}"


def trouble_drawer(troubles: Troubles) -> Callable[[], object]:
    """The drawer at the right, and what opens and closes it. All pages show the same state: the world's."""
    with (
        ui.right_drawer(value=False).props("width=300 bordered data-testid=trouble-drawer").classes("drawer") as drawer
    ):
        with ui.element("header").classes("bar"):
            ui.label("Trouble").classes("title grow").props("role=heading aria-level=2")
            icon_button("close", "Close the drawer", drawer.hide, "close-trouble")
        state = ui.label().props("role=status data-testid=bot-state").classes("state")
        state.bind_text_from(troubles, "bot_state", lambda name: BOT_STATES.get(name, BOT_STATES_ELSE))
        with ui.row().classes("actions"):
            for label, act, when in (
                ("kill -9", troubles.kill, "running"),
                ("Stop", troubles.stop, "running"),
                ("Start", troubles.start, "stopped"),
            ):
                button = ui.button(label, on_click=act).props("outline dense no-caps")
                button.props(f"data-testid={label.split()[0].lower()}-bot")
                button.bind_enabled_from(troubles, "bot_state", when.__eq__)
        ui.switch("Slow network").bind_value(troubles, "slow").props("data-testid=trouble-slow")
        ui.label(f"Each of the bot's calls takes {SLOW_S} s longer.").classes("subtitle")
        ui.switch("Flood limits").bind_value(troubles, "floods").props("data-testid=trouble-floods")
        ui.label("One message a second in a chat, twenty a minute in a group.").classes("subtitle")
        version = ui.select(list(VERSIONS), label="Bot API").props("outlined dense data-testid=version")
        version.bind_value(troubles, "version")
        ui.label(VERSION_NOTE).classes("subtitle")
        faults = {"": "None: it answers"} | {name: label for name, (label, _) in MODEL_FAULTS.items()}
        fault = ui.select(faults, label="The model's fault").props("outlined dense data-testid=model-fault")
        fault.bind_value(troubles, "model_fault").bind_enabled_from(troubles, "reaches_model")
        ui.label(FAULT_NOTE).classes("subtitle")
    return drawer.toggle
