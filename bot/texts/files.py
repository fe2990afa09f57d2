"""What is said of files, in both directions."""

FILE_TOO_BIG = "That file is too big for me: {megabytes} MB is the most that I can take."
FILE_SWOLLEN = "That file unpacks into more than I can take in. A smaller version, or only a part of it, will do."
FILE_TOO_SLOW = "That file takes me too long to read. A shorter one, or only a part of it, will do."
FILE_LOCKED = "That file is locked with a password. Please send it without one."
FILE_UNREADABLE = "I could not read that file; it may be damaged. Please try another one."
FILE_EMPTY = "I found no text in that file. If it holds pictures of pages, send me those as pictures."
FILE_PAGES_UNREAD = "I found no text on these pages of that file: {pages}. If they matter, send me those as pictures."
FILE_UNSUPPORTED = (
    "I can't read that kind of file. These work: pictures, voice and audio, text, code, Markdown, CSV, JSON, PDF, "
    "Word, PowerPoint, Excel (not the old .doc and .ppt), OpenDocument, EPUB and RTF."
)
FILE_OLD_OFFICE = (
    "I can't read office files of that kind, such as the old .doc and .ppt, or those of Pages and Keynote. Please save "
    "it as .docx, .pptx, .xlsx or PDF and send me that."
)
FILE_UNREACHABLE = "Telegram did not give me that file. Please send it again."
SEND_AGAIN = "Please send it again."
FILE_LATE = "Telegram did not give me that file in time. Please send it again, or a smaller one."
FILE_CUT = "That is more than I can take in at once, so I read only its beginning."
FILE_BLANK = "That file is empty."
FILE_DAMAGED = "A part of that file is damaged or missing, so I read only the rest of it."
PICTURE_DAMAGED = "A part of that picture is missing or damaged, so I see only the rest of it."
PICTURE_PREVIEW = "I can't open that picture itself, so I see only a small preview of it."
SOUND_IN_PART = "A part of that recording is missing or damaged, so I heard only the rest of it."
FILM_UNHEARD = "I can't hear that video: it is too big, too long, damaged, or its sound is of a kind that I can't play."
UPLOAD_REFUSED = (
    "There should be a file here, but Telegram did not take it: I may send none in this chat, or it is too large. An "
    "administrator can allow me to send media."
)
UPLOAD_LATE = (
    "There should be a file here, but sending it to Telegram timed out twice. If it does not appear, ask for it again."
)
UPLOAD_FAILED = (
    "There should be a file here, but Telegram's server failed each time I sent it. Please ask for it again later."
)
FILES_TOO_MANY = (
    "These are more files than I can take in at once. Please send me those from this one on again, a few at a time."
)
SOUND_TOO_LONG = "That recording is too long for me: {minutes} minutes is the most that I can take."
