"""The page: chats and their answers at the left, and one answer, the course of the chat, or the overview."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import partial
from typing import Any

from nicegui import events, ui

from bot.conversation.query import strip_framing
from bot.inspector import answer_view, overview_html, prompt_view
from bot.inspector.answer_reader import AnswerDetail, AnswerReader
from bot.inspector.course_plot import plot_options, plot_summary
from bot.inspector.overview_html import Priced, address
from storage import Storage, StorageError
from storage.insights import AnswerLine, ChatLine, Insights
from storage.records import Chat, ChatKey

FOLLOWS_S = 1.0
"""How often it looks for a new answer."""
DAYS = 30
LARGEST = 2**63 - 1
ANSWER, COURSE, OVERVIEW = "Answer", "Conversation", "Overview"


@dataclass(frozen=True, slots=True)
class PageServices:
    """What pages read from."""

    storage: Storage
    reader: AnswerReader
    priced: Priced
    zone: tzinfo


class InspectorPage:
    """One open page."""

    def __init__(self, services: PageServices) -> None:
        storage = services.storage
        self._chat_table, self._bases, self._history = storage.chats, storage.bases, storage.history
        self._reader, self._priced, self._zone = services.reader, services.priced, services.zone
        self._insights = Insights(storage.database)
        self._chats: list[ChatLine] = []
        self._chat: Chat | None = None
        self._lines: list[AnswerLine] = []
        self._reply_id: int | None = None
        self._detail: AnswerDetail | None = None
        self._newest: int | None = None
        self._words = ""
        self._tab = ANSWER
        self._day: date | None = None
        self._course: list[AnswerLine] = []

    async def start(self, chat: str, topic: str, message: str) -> None:
        """Build the page, and show what its address asks for; without one, the chat that spoke last."""
        self._chats = await self._insights.chats()
        key = _key(chat, topic) or (self._chats[0].key if self._chats else None)
        await self._build()
        if key is None:
            self._tell("Nothing has been said to the bot yet.")
        else:
            await self._open(key, _number(message))
        ui.timer(0.0, self._fold_on_phones, once=True)
        ui.timer(FOLLOWS_S, self._follow)
        ui.keyboard(self._on_key)

    async def _build(self) -> None:
        with ui.element("header").classes("top"):
            ui.html("<h1>Keepsake <b>inspector</b></h1>", sanitize=False)
            with ui.tabs().props("dense no-caps inline-label") as tabs:
                for name, testid in ((ANSWER, "answer"), (COURSE, "course"), (OVERVIEW, "overview")):
                    ui.tab(name).props(f"data-testid=tab-{testid}")
            self._dark = ui.dark_mode(value=None)
            switch = ui.button(icon="contrast", on_click=self._switch_dark).props("flat round dense color=inherit")
            switch.props('aria-label="Light or dark" title="Light or dark" data-testid=dark')
        with ui.element("div").classes("columns"):
            with ui.element("nav").classes("side").props('aria-label="Chats and answers"'):
                self._build_side()
            panels = ui.tab_panels(tabs, value=ANSWER, animated=False, on_change=self._on_tab)
            with panels.classes("main") as self._tabs:
                with ui.tab_panel(ANSWER).props("role=tabpanel"):
                    self._show_answer()
                with ui.tab_panel(COURSE).props("role=tabpanel"):
                    await self._show_course()
                with ui.tab_panel(OVERVIEW).props("role=tabpanel"):
                    await self._show_overview()

    def _build_side(self) -> None:
        with ui.expansion("Chats and answers", value=True).classes("lists").props("dense") as self._lists:
            with ui.element("div").classes("filters"):
                search = ui.input(placeholder="Name or ID", on_change=self._filter).props("dense outlined clearable")
                search.props('aria-label="Filter chats" data-testid=filter debounce=250').bind_value(self, "_words")
                ui.input(on_change=self._filter_day).props(
                    'dense outlined clearable type=date aria-label="Only this day" data-testid=day'
                )
            self._show_chats()
            self._show_answers()

    @ui.refreshable_method
    def _show_chats(self) -> None:
        here = self._chat.key if self._chat else None
        with ui.element("ul").classes("list").props('aria-label="Chats" data-testid=chats'):
            for one in self._chats:
                name = one.name or f"Group {one.key.telegram_id}"
                topic = f" · topic {one.key.thread_id}" if one.key.thread_id else ""
                topic = f" · only user {one.key.alone_with}" if one.key.alone_with else topic
                testid = f"chat-{one.key.telegram_id}-{one.key.thread_id}"
                self._row(testid, f"{name}{topic}", one.last_at, one.key == here, partial(self._open, one.key))

    @ui.refreshable_method
    def _show_answers(self) -> None:
        with ui.element("ul").classes("list").props('aria-label="Answers" data-testid=answers'):
            for line in self._lines:
                text = " ".join(strip_framing(line.question or line.answer).split())[:90]
                testid = f"answer-{line.message_id or line.reply_id}"
                self._row(testid, text, line.at, line.reply_id == self._reply_id, partial(self._show, line.reply_id))

    def _row(
        self, testid: str, text: str, at: float | None, here: bool, on_click: Callable[[], Awaitable[None]]
    ) -> None:
        with ui.element("li"), ui.element("button").props(f"data-testid={testid} type=button") as row:
            row.on("click", on_click)
            if here:
                row.props("aria-current=true")
            ui.label(text).props("dir=auto")
            ui.label(f"{datetime.fromtimestamp(at, self._zone):%b %d %H:%M}" if at else "").classes("time")

    @ui.refreshable_method
    def _show_answer(self) -> None:
        detail, zone = self._detail, self._zone
        if detail is None:
            ui.label("No answer of this chat is recorded.").classes("hint")
            return
        with ui.element("div").classes("heading"):
            ui.html(answer_view.heading_html(detail, zone), sanitize=False)
            ui.html(prompt_view.fidelity_html(detail.past.fidelity), sanitize=False)
            for icon, name, step in (("chevron_left", "Earlier answer", 1), ("chevron_right", "Later answer", -1)):
                ui.button(icon=icon, on_click=partial(self._step, step)).props(f'flat round dense aria-label="{name}"')
        sections = (
            ("", answer_view.figures_html(detail) + _strip(detail)),
            ("Window", answer_view.window_html(detail)),
            ("Recalled", answer_view.recall_html(detail.found, zone)),
            ("Notes", answer_view.notes_html(detail.past.notes, detail.notes_before, zone)),
            ("Messages", prompt_view.array_html(detail.shown) + _further(detail)),
            ("Answer", answer_view.answer_html(detail.text)),
        )
        for title, made in sections:
            heading = f"<h3>{title}</h3>" if title else ""
            ui.html(f"<section>{heading}{made}</section>", sanitize=False)

    @ui.refreshable_method
    async def _show_course(self) -> None:
        if self._tab != COURSE:
            return
        self._course = await self._insights.course(self._chat) if self._chat else []
        if not self._course:
            ui.label("No answer of this chat is recorded.").classes("hint")
            return
        summary = plot_summary(self._course)
        with ui.element("section"):
            ui.label(summary).classes("below")
            plot = ui.echart(plot_options(self._course, self._zone), on_point_click=self._on_point)
        plot.classes("plot").props(f'role=img aria-label="{summary}" data-testid=series')
        ui.label("A click on a bar shows its answer.").classes("hint")

    @ui.refreshable_method
    async def _show_overview(self) -> None:
        if self._tab != OVERVIEW:
            return
        last = self._day or datetime.now(self._zone).date()
        first, when = (last, f"on {last}") if self._day else (last - timedelta(days=DAYS - 1), f"in {DAYS} days")
        costs = await self._insights.costs(first, last)
        own = await self._insights.costs(first, last, self._chat.id) if self._chat else {}
        failures, slow = await self._insights.failures(), await self._insights.slow()
        for title, made in (
            (f"Cost by model and day, all chats {when}", overview_html.costs_html(costs, self._priced, "costs")),
            (f"The same, this chat {when}", overview_html.costs_html(own, self._priced, "costs-here")),
            ("Failures by kind", overview_html.failures_html(failures)),
            ("The slowest answers", overview_html.slow_html(slow, self._zone)),
        ):
            ui.html(f'<section><h2 class="small">{title}</h2>{made}</section>', sanitize=False)

    async def _open(self, key: ChatKey, message_id: int | None = None) -> None:
        self._chat = await self._chat_table.find(key)
        if self._chat is None:
            self._tell(f"The bot has no chat {key.telegram_id}.")
            return
        self._newest = await self._bases.last_answer(self._chat)
        await self._read_lines()
        wanted = await self._reader.answer_with(self._chat, message_id) if message_id else None
        if message_id and wanted is None:
            self._tell("No answer of this message is stored: it was reset or forgotten, or the bot has none yet.")
        self._show_chats.refresh()
        self._show_course.refresh()
        self._show_overview.refresh()
        await self._show(wanted or (self._lines[0].reply_id if self._lines else None))

    async def _read_lines(self) -> None:
        assert self._chat is not None, "its answers are read once there is a chat"
        between: tuple[int, int] | None = (0, 2**63 - 1)
        if self._day:
            begin, end = (midnight(day, self._zone) for day in (self._day, self._day + timedelta(days=1)))
            between = await self._history.between(self._chat.id, begin, end)
        self._lines = await self._insights.answers(self._chat, *between) if between else []

    async def _show(self, reply_id: int | None) -> None:
        self._reply_id = reply_id
        self._detail = await self._reader.detail(self._chat, reply_id) if self._chat and reply_id else None
        self._show_answers.refresh()
        self._show_answer.refresh()
        if self._chat is not None:
            detail = self._detail
            message_id = detail.line.message_id if detail else None
            ui.run_javascript(f"keepsakeAddress({json.dumps(address(self._chat.key, message_id))})")

    async def _follow(self) -> None:
        """Show the chat's newest answer, unless an earlier one is being looked at, and nothing that was forgotten."""
        try:
            if self._chat is None:
                self._chats = await self._insights.chats()
                if self._chats:
                    await self._open(self._chats[0].key)
            elif (chat := await self._chat_table.find(self._chat.key)) is None:  # it was deleted with all its words
                self._chat, self._lines, self._chats = None, [], await self._insights.chats()
                self._show_chats.refresh()
                self._show_course.refresh()
                await self._show(None)
            else:
                newest, before = await self._bases.last_answer(chat), self._chat
                if (newest, chat.epoch, chat.reset_turn) != (self._newest, before.epoch, before.reset_turn):
                    await self._show_newest(chat, newest)
        except StorageError as exc:
            self._tell(str(exc))

    async def _show_newest(self, chat: Chat, newest: int | None) -> None:
        follows = self._reply_id in (self._newest, None)
        self._newest, self._chat = newest, chat
        await self._read_lines()
        self._show_course.refresh()
        await self._show(newest if follows else self._reply_id)

    async def _filter(self) -> None:
        self._chats = await self._insights.chats((self._words or "").strip(), self._day)
        self._show_chats.refresh()

    async def _filter_day(self, event: events.ValueChangeEventArguments[Any]) -> None:
        try:
            self._day = date.fromisoformat(event.value) if event.value else None
        except ValueError:
            return
        await self._filter()
        self._show_overview.refresh()
        if self._chat is not None:
            await self._read_lines()
            await self._show(self._lines[0].reply_id if self._lines else None)

    def _on_tab(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self._tab = event.value
        self._show_course.refresh()
        self._show_overview.refresh()

    async def _on_point(self, event: events.EChartPointClickEventArguments) -> None:
        self._tabs.set_value(ANSWER)
        await self._show(self._course[event.data_index].reply_id)

    async def _on_key(self, event: events.KeyEventArguments) -> None:
        if event.action.keydown and event.key.name in ("j", "k"):
            await self._step(1 if event.key.name == "j" else -1)

    async def _step(self, step: int) -> None:
        """The next answer of the list, an earlier one for 1."""
        known = [line.reply_id for line in self._lines]
        at = known.index(self._reply_id) + step if self._reply_id in known else 0
        if 0 <= at < len(known):
            await self._show(known[at])

    async def _fold_on_phones(self) -> None:
        if await ui.run_javascript("innerWidth < 800", timeout=10.0):  # a busy machine takes more than the usual second
            self._lists.set_value(False)

    def _switch_dark(self) -> None:
        self._dark.value = not self._dark.value

    def _tell(self, text: str) -> None:
        ui.notify(text, position="top")


def _key(chat: str, topic: str) -> ChatKey | None:
    chat_id, thread_id = _number(chat), _number(topic or "0")
    return None if chat_id is None or thread_id is None else ChatKey(chat_id, thread_id)


def _number(text: str) -> int | None:
    """A number of the address that the database can have; None if it isn't one."""
    try:
        number = int(text)
    except ValueError:
        return None
    return number if abs(number) <= LARGEST else None


def midnight(day: date, zone: tzinfo) -> float:
    """When a day begins: not every day has 24 hours."""
    return datetime.combine(day, datetime.min.time(), zone).timestamp()


def _strip(detail: AnswerDetail) -> str:
    return prompt_view.strip_html(detail.shown, detail.line.own) + prompt_view.legend_html()


def _further(detail: AnswerDetail) -> str:
    """A hint that these messages were not the only ones."""
    if detail.line.own is None or detail.line.all == detail.line.own:
        return ""
    return '<p class="hint">More requests followed, for tools or after failures; their messages are not stored.</p>'
