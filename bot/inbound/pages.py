"""Pages of a document without readable text, which are shown to the model as pictures."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from bot.conversation.tokens import image_tokens
from bot.inbound.downloads import FileConverter
from bot.media.media_errors import EmptyError, MediaError, TooSlowError
from storage.records import MediaKind, NewMedium

MOST_SHOWN = 6
"""The most pages of a document."""
PAGE_TOKENS = 1_850
"""The tokens of an A4 page."""
TRIED = 3
"""How many pages are rendered for each one that may be shown, since blank ones are skipped."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PageImages:
    """Pages as pictures, their numbers, and those of the blank pages."""

    media: tuple[NewMedium, ...] = ()
    numbers: tuple[int, ...] = ()
    blank: tuple[int, ...] = ()


NO_PAGES = PageImages()


async def render_pages(converter: FileConverter, data: bytes, numbers: tuple[int, ...], room: int) -> PageImages:
    """Render the first of these pages that fit into `room` tokens, but always at least one."""
    most = max(1, min(MOST_SHOWN, room // PAGE_TOKENS))
    media: list[NewMedium] = []
    seen: list[int] = []
    blank: list[int] = []
    for number in numbers[: TRIED * most]:
        try:
            picture = await converter.page(data, number)
        except EmptyError:
            blank.append(number)
        except TooSlowError as exc:
            log.warning("No further pages of a file are shown: %s", exc)
            break
        except MediaError as exc:
            log.warning("Page %d of a file can't be shown: %s", number, exc)
        else:
            tokens = image_tokens(picture.width, picture.height)
            media.append(NewMedium(MediaKind.IMAGE, picture.data, picture.mime, tokens))
            seen.append(number)
        if len(media) == most:
            break
    return PageImages(tuple(media), tuple(seen), tuple(blank))


def ranges(numbers: Iterable[int]) -> str:
    """Ascending numbers as text, such as "3, 7-9"."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and groups[-1][-1] == number - 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return ", ".join(str(group[0]) if len(group) == 1 else f"{group[0]}-{group[-1]}" for group in groups)
