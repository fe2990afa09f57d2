"""Pages of a document that are shown to a model as pictures: those of which there are no words to read."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from bot.conversation.tokens import image_tokens
from bot.inbound.downloads import FileConverter
from bot.media.media_errors import EmptyError, MediaError, TooSlowError
from storage.records import MediaKind, NewMedium

MOST_SHOWN = 6
"""Of a document."""
PAGE_TOKENS = 1_850
"""Of A4."""
TRIED = 3
"""So many pages are looked at for each that may be shown: blank ones are passed over."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PageImages:
    """Pages as pictures, and the numbers of what was looked at."""

    media: tuple[NewMedium, ...] = ()
    numbers: tuple[int, ...] = ()
    blank: tuple[int, ...] = ()


NO_PAGES = PageImages()


async def shown(workshop: FileConverter, data: bytes, numbers: tuple[int, ...], room: int) -> PageImages:
    """The first of these pages, as far as there is room for them in tokens; one may take more."""
    most = max(1, min(MOST_SHOWN, room // PAGE_TOKENS))
    media: list[NewMedium] = []
    seen: list[int] = []
    blank: list[int] = []
    for number in numbers[: TRIED * most]:
        try:
            picture = await workshop.page(data, number)
        except EmptyError:
            blank.append(number)
        except TooSlowError as exc:
            log.warning("No further page of a file is shown: %s", exc)
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
    """Numbers in their order as one writes them: 3, 7-9."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and groups[-1][-1] == number - 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return ", ".join(str(one[0]) if len(one) == 1 else f"{one[0]}-{one[-1]}" for one in groups)
