"""Files, with all that Telegram tells about them."""

from sandbox.botapi.wire import Json


def file(name: str, size: int, **fields: object) -> Json:
    """What all files have in common."""
    return {"file_id": f"AgACAgIAAxk-{name}", "file_unique_id": f"AQAD-{name}", "file_size": size, **fields}


def size(name: str, width: int, height: int) -> Json:
    """One size of a picture."""
    return file(f"{name}-{width}", width * height // 10, width=width, height=height)


def sizes(name: str) -> list[Json]:
    """A picture in the sizes that Telegram makes of it."""
    return [size(name, 90, 67), size(name, 320, 240), size(name, 800, 600), size(name, 1280, 960)]


ANIMATION = file(
    "animation",
    310_000,
    width=480,
    height=270,
    duration=3,
    thumbnail=size("animation-thumbnail", 320, 180),
    file_name="wave.mp4",
    mime_type="video/mp4",
)
AUDIO = file(
    "audio",
    5_800_000,
    duration=245,
    performer="The Brook",
    title="Morning Walk",
    file_name="morning walk.mp3",
    mime_type="audio/mpeg",
    thumbnail=size("audio-thumbnail", 320, 320),
)
DOCUMENT = file(
    "document",
    1_234_567,
    thumbnail=size("document-thumbnail", 226, 320),
    file_name="report.pdf",
    mime_type="application/pdf",
)
LIVE_PHOTO = file(
    "live-photo", 2_100_000, photo=sizes("live-photo"), width=1280, height=960, duration=3, mime_type="video/mp4"
)
STICKER = file(
    "sticker",
    24_000,
    type="regular",
    width=512,
    height=512,
    is_animated=False,
    is_video=False,
    thumbnail=size("sticker-thumbnail", 128, 128),
    emoji="😀",
    set_name="HappyHikers",
    premium_animation=file("sticker-premium", 90_000, file_path="stickers/effect.tgs"),
    needs_repainting=True,
)
VIDEO = file(
    "video",
    12_400_000,
    width=1280,
    height=720,
    duration=65,
    thumbnail=size("video-thumbnail", 320, 180),
    cover=sizes("video-cover"),
    start_timestamp=5,
    qualities=[file("video-480", 6_200_000, width=854, height=480, codec="h264")],
    file_name="holiday.mp4",
    mime_type="video/mp4",
)
VIDEO_NOTE = file("video-note", 840_000, length=384, duration=9, thumbnail=size("video-note-thumbnail", 320, 320))
VOICE = file("voice", 48_000, duration=12, mime_type="audio/ogg")
