"""Messages that hold a file, or several."""

from sandbox.botapi.wire import Json
from tests.corpus.files import (
    ANIMATION,
    AUDIO,
    DOCUMENT,
    LIVE_PHOTO,
    STICKER,
    VIDEO,
    VIDEO_NOTE,
    VOICE,
    file,
    size,
    sizes,
)
from tests.corpus.people import in_group, private

_MASK = {"point": "eyes", "x_shift": 0.1, "y_shift": -0.2, "scale": 1.5}
_PAID: list[Json] = [
    {"type": "preview", "width": 1280, "height": 960, "duration": 12},
    {"type": "photo", "photo": sizes("paid-photo")},
    {"type": "video", "video": VIDEO},
    {"type": "live_photo", "live_photo": LIVE_PHOTO},
]

MEDIA: dict[str, Json] = {
    "photo": private(photo=sizes("photo")),
    "photo with a caption": private(
        photo=sizes("photo-caption"),
        caption="Look at #Bern",
        caption_entities=[{"type": "hashtag", "offset": 8, "length": 5}],
        show_caption_above_media=True,
        has_media_spoiler=True,
    ),
    "photo of an album": in_group(photo=sizes("album"), media_group_id="13579246801357924"),
    "live photo": private(live_photo=LIVE_PHOTO, photo=LIVE_PHOTO["photo"], caption="It moves"),
    "video": private(video=VIDEO, has_media_spoiler=True),
    "video that says little of itself": private(video=file("bare-video", 0, width=2, height=2, duration=0)),
    "animation": private(animation=ANIMATION, document=file("animation", 310_000, file_name="wave.mp4")),
    "round video": private(video_note=VIDEO_NOTE),
    "voice message": private(voice=VOICE),
    "voice message of more than an hour": private(voice=VOICE | {"duration": 3_725}),
    "audio": private(audio=AUDIO, caption="Listen"),
    "audio without a title": private(audio=file("audio-bare", 900, duration=3, mime_type="audio/mp4")),
    "document": private(document=DOCUMENT, caption="Please read"),
    "document without a name": private(document=file("document-bare", 12)),
    "picture sent as a file": private(
        document=file("picture", 3_000_000, file_name="IMG_1.png", mime_type="image/png", thumbnail=size("p", 320, 240))
    ),
    "sticker": private(sticker=STICKER),
    "sticker of a mask": private(sticker=STICKER | {"type": "mask", "mask_position": _MASK}),
    "animated sticker": private(sticker=STICKER | {"is_animated": True}),
    "video sticker": private(sticker=STICKER | {"is_video": True}),
    "custom emoji as a sticker": private(
        sticker=STICKER | {"type": "custom_emoji", "custom_emoji_id": "5368324170671202286"}
    ),
    "sticker that says little of itself": private(
        sticker=file("s", 9, type="regular", width=1, height=1, is_animated=False, is_video=False)
    ),
    "paid media": private(paid_media={"star_count": 25, "paid_media": _PAID}, caption="Behind the scenes"),
}
