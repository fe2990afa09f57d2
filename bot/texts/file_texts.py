"""What is said of files, in both directions."""

FILE_TOO_BIG = "That file is too big for me. I can take up to {megabytes} MB."
FILE_SWOLLEN = "That file unpacks to more than I can take. Please send a smaller version, or just part of it."
FILE_TOO_SLOW = "That file takes me too long to read. Please send a shorter one, or just part of it."
FILE_LOCKED = "That file is password-protected. Please send it without a password."
FILE_UNREADABLE = "I couldn't read that file. It may be damaged. Please try another one."
FILE_EMPTY = "I found no text in that file. If its pages are pictures, please send me those as pictures."
FILE_PAGES_UNREAD = (
    "I found no text on these pages of that file: {pages}. If they matter, please send them to me as pictures."
)
FILE_UNSUPPORTED = (
    "I can't read that kind of file. These work: pictures, voice and audio, text, code, Markdown, CSV, JSON, PDF, "
    "Word, PowerPoint, Excel (not the old .doc and .ppt), OpenDocument, EPUB and RTF."
)
FILE_OLD_OFFICE = (
    "I can't read that kind of office file, such as the old .doc and .ppt, or files from Pages and Keynote. Please "
    "save it as .docx, .pptx, .xlsx or PDF and send me that."
)
FILE_UNREACHABLE = "Telegram didn't give me that file. Please send it again."
SEND_AGAIN = "Please send it again."
FILE_LATE = "Telegram didn't give me that file in time. Please send it again, or send a smaller one."
FILE_CUT = "That's more than I can take in at once, so I only read the beginning."
FILE_BLANK = "That file is empty."
FILE_DAMAGED = "Part of that file is damaged or missing, so I only read the rest."
PICTURE_DAMAGED = "Part of that picture is missing or damaged, so I only see the rest."
PICTURE_PREVIEW = "I can't open that picture itself, so I only see a small preview of it."
SOUND_IN_PART = "Part of that recording is missing or damaged, so I only heard the rest."
FILM_UNHEARD = "I can't hear that video. It's too big, too long or damaged, or I can't play its kind of sound."
UPLOAD_REFUSED = (
    "There should be a file here, but Telegram didn't accept it. Either I'm not allowed to send files in this chat, "
    "or it's too large. An administrator can allow me to send media."
)
UPLOAD_LATE = (
    "There should be a file here, but sending it to Telegram timed out twice. If it doesn't appear, please ask for it "
    "again."
)
UPLOAD_FAILED = (
    "There should be a file here, but Telegram's server failed every time I sent it. Please ask for it again later."
)
FILES_TOO_MANY = "That's more files than I can take at once. Please send this one and the rest again, a few at a time."
SOUND_TOO_LONG = {
    "one": "That recording is too long for me. I can take up to {n} minute.",
    "other": "That recording is too long for me. I can take up to {n} minutes.",
}
