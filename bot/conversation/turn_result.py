"""The outcome of an answer, decided without a database: what is stored, what is charged, what the user is sent."""

from dataclasses import dataclass

from bot.conversation.answer import AnswerInFlight, AnswerState, Interruption
from bot.conversation.incoming_message import CONTINUE
from bot.conversation.tokens import TokenCounter
from bot.conversation.usage_recorder import CountedRequest
from bot.language import sentence, texts
from bot.llm.stream_events import Finish, Usage
from storage.records import Button, Chat, NewReply, Notice

MOST_THOUGHTS = 4000
"""Characters of the model's thoughts that are shown: what fits into one message."""


@dataclass(frozen=True, slots=True)
class Charge:
    """A request to be charged."""

    request: CountedRequest
    reported: Usage | None
    """None if the server reported nothing; usage is then estimated."""


@dataclass(frozen=True, slots=True)
class TurnResult:
    """Everything that is written about an answer, in one transaction."""

    reply: NewReply | None = None
    """The answer, if there is one."""
    partial: str | None = None
    """The text so far of an answer that is still pending, for the restart."""
    gives_up: bool = False
    """Whether the question is settled without an answer."""
    own: Charge | None = None
    """The answer's own request, which counts as a turn."""
    extra: tuple[Charge, ...] = ()
    """All other requests that were made for it."""
    notices: tuple[Notice, ...] = ()
    """Additional notices for the user, in this order."""
    update_ids: tuple[int, ...] = ()
    """Updates to be marked done."""


def result_of(answer: AnswerInFlight, count_tokens: TokenCounter, *, is_first: bool = False) -> TurnResult:
    """The outcome of an answer that has ended; `is_first`: this chat's first answer by a single-turn model."""
    stopped = answer.interruption is Interruption.STOPPED
    has_text = bool(answer.generation.text.strip())
    if answer.state is AnswerState.CANCELLED:
        return TurnResult(partial=answer.generation.text, extra=_unused(answer, count_tokens))
    if answer.state is AnswerState.WRITTEN or (answer.state is AnswerState.INTERRUPTED and stopped and has_text):
        return _kept(answer, count_tokens, is_first=is_first)
    if answer.state is AnswerState.INTERRUPTED and stopped:
        notice = _notice(answer.chat, texts.STOPPED, edits=answer.shown_in)
        return TurnResult(
            gives_up=True, extra=_unused(answer, count_tokens), notices=(notice,), update_ids=answer.update_ids
        )
    return TurnResult(extra=_unused(answer, count_tokens), update_ids=answer.update_ids)


def answered_by(answer: AnswerInFlight) -> str:
    """The name of the model that gave the answer; "" if none was asked."""
    own = answer.generation.own_request
    return own.switched.model if own.switched else answer.request.model.name if answer.request else ""


def notices_of(answer: AnswerInFlight, *, is_first: bool = False) -> tuple[Notice, ...]:
    """The notices that follow a kept answer."""
    chat, generation = answer.chat, answer.generation
    notices: list[Notice] = []
    if is_first:
        notices.append(_notice(chat, texts.ONE_AT_A_TIME))
    if chat.settings.show_thinking and (thought := generation.reasoning.strip()):
        notices.append(_notice(chat, thought[:MOST_THOUGHTS], quote=True))
    if answer.voice is not None:
        notices.append(_notice(chat, "", file=answer.voice))
    if generation.switched is not None:
        notices.append(_notice(chat, texts.BY_FALLBACK.format(model=generation.switched.model)))
    if answer.media_refusal is not None:
        notices.append(_notice(chat, sentence(answer.media_refusal)))
    notices += [_notice(chat, text) for text in answer.left_out]
    if generation.finish is Finish.LENGTH:
        go_on = Button(texts.CONTINUE, f"{CONTINUE}{answer.reply_id}")
        notices.append(_notice(chat, texts.CUT_BY_LENGTH, buttons=(go_on,)))
    elif generation.finish is Finish.FILTER:
        notices.append(_notice(chat, texts.CUT_BY_FILTER))
    return tuple(notices)


def _kept(answer: AnswerInFlight, count_tokens: TokenCounter, *, is_first: bool) -> TurnResult:
    text, request = answer.generation.text, answer.request
    return TurnResult(
        reply=NewReply(text, count_tokens(text), bool(request and request.marked)),
        own=_own(answer, count_tokens),
        extra=_extra(answer, count_tokens, kept=True),
        notices=notices_of(answer, is_first=is_first),
        update_ids=answer.update_ids,
    )


def _own(answer: AnswerInFlight, count_tokens: TokenCounter) -> Charge | None:
    own, request = answer.generation.own_request, answer.request
    if request is None:
        return None
    said = count_tokens(own.text + own.reasoning)
    counted = round(request.counted * (own.switched.share if own.switched else 1.0))
    return Charge(CountedRequest(answered_by(answer), counted, said, answer.user_id), own.usage)


def _unused(answer: AnswerInFlight, count_tokens: TokenCounter) -> tuple[Charge, ...]:
    return _extra(answer, count_tokens, kept=False)


def _extra(answer: AnswerInFlight, count_tokens: TokenCounter, *, kept: bool) -> tuple[Charge, ...]:
    if answer.request is None:
        return ()
    name, counted = answer.request.model.name, answer.request.counted
    requests = answer.generation.extra_requests(counted, count_tokens, kept=kept)
    return tuple(
        Charge(CountedRequest(request.by(name), request.counted, request.output, answer.user_id), request.usage)
        for request in requests
    )


def _notice(chat: Chat, text: str, **more: object) -> Notice:
    return Notice(chat.key, chat.private, text, **more)  # type: ignore[arg-type]  # a field's own name each
