"""Messages that hold something to look up, to choose, to play or to tick off."""

from sandbox.botapi.wire import Json
from tests.corpus.files import ANIMATION, AUDIO, DOCUMENT, LIVE_PHOTO, STICKER, VIDEO, sizes
from tests.corpus.people import ANN, BOB, CHANNEL, HELPER, NOON, SUPERGROUP, in_group, private

BERN: Json = {"latitude": 46.947975, "longitude": 7.447447, "horizontal_accuracy": 12.5}
VENUE: Json = {
    "location": BERN,
    "title": "Bear Park",
    "address": "Grosser Muristalden 6, Bern",
    "foursquare_id": "4b0588c1f964a520",
    "foursquare_type": "arts_entertainment/zoo",
    "google_place_id": "ChIJ-bearpark",
    "google_place_type": "tourist_attraction",
}
CONTACT: Json = {
    "phone_number": "+41310000000",
    "first_name": "Ann",
    "last_name": "Lee",
    "user_id": 501,
    "vcard": "BEGIN:VCARD\nVERSION:3.0\nFN:Ann Lee\nEND:VCARD",
}
GAME: Json = {
    "title": "Snake",
    "description": "Eat and grow",
    "photo": sizes("game"),
    "text": "Best: Ann",
    "text_entities": [{"type": "bold", "offset": 0, "length": 4}],
    "animation": ANIMATION,
}
_BOLD: list[Json] = [{"type": "bold", "offset": 0, "length": 2}]


def _option(number: int, text: str, votes: int, **fields: object) -> Json:
    return {"persistent_id": f"o{number}", "text": text, "text_entities": _BOLD, "voter_count": votes, **fields}


_BY_BOB: Json = {"added_by_user": BOB, "added_by_chat": SUPERGROUP, "addition_date": NOON}
POLL: Json = {
    "id": "5999000000000001",
    "question": "Lunch?",
    "question_entities": _BOLD,
    "options": [
        _option(1, "Pizza", 2, media={"photo": sizes("pizza")}),
        _option(2, "Soup", 1, media={"sticker": STICKER}, **_BY_BOB),
        _option(3, "The place", 0, media={"venue": VENUE}),
        _option(4, "The list", 0, media={"link": {"url": "https://menu.example/today"}}),
    ],
    "total_voter_count": 3,
    "is_closed": False,
    "is_anonymous": False,
    "type": "regular",
    "allows_multiple_answers": True,
    "allows_revoting": True,
    "members_only": True,
    "country_codes": ["CH", "FR"],
    "open_period": 600,
    "close_date": NOON + 600,
    "description": "We go at noon",
    "description_entities": _BOLD,
    "media": {"location": BERN, "document": DOCUMENT},
}
QUIZ: Json = POLL | {
    "question": "The capital of Switzerland?",
    "options": [
        _option(1, "Bern", 0, media={"video": VIDEO, "audio": AUDIO}),
        _option(2, "Basel", 0, media={"animation": ANIMATION, "live_photo": LIVE_PHOTO}),
    ],
    "type": "quiz",
    "allows_multiple_answers": False,
    "correct_option_ids": [0],
    "explanation": "Since 1848",
    "explanation_entities": _BOLD,
    "explanation_media": {"photo": sizes("explanation")},
}
TASK: Json = {"id": 1, "text": "Buy bread", "text_entities": _BOLD}
CHECKLIST: Json = {
    "title": "Weekend",
    "title_entities": _BOLD,
    "tasks": [
        TASK,
        {"id": 2, "text": "Call Bob", "completed_by_user": BOB, "completion_date": NOON},
        {"id": 3, "text": "Post", "completed_by_chat": CHANNEL, "completion_date": NOON},
    ],
    "others_can_add_tasks": True,
    "others_can_mark_tasks_as_done": True,
}
STORY: Json = {"chat": CHANNEL, "id": 77}

CARDS: dict[str, Json] = {
    "location": private(location=BERN),
    "live location": private(
        location=BERN | {"live_period": 900, "heading": 90, "proximity_alert_radius": 100}, edit_date=NOON + 60
    ),
    "venue": private(venue=VENUE, location=BERN),
    "contact": private(contact=CONTACT),
    "contact with a first name only": private(contact={"phone_number": "123", "first_name": "Bob"}),
    "poll": in_group(poll=POLL),
    "closed poll": private(poll=POLL | {"is_closed": True, "is_anonymous": True}),
    "quiz": private(poll=QUIZ),
    **{
        f"dice {emoji}": private(dice={"emoji": emoji, "value": value})
        for emoji, value in zip("🎲🎯🏀⚽🎳🎰", (4, 6, 5, 3, 1, 64), strict=True)
    },
    "game": private(
        game=GAME,
        via_bot=HELPER,
        reply_markup={"inline_keyboard": [[{"text": "Play Snake", "callback_game": {}}]]},
    ),
    "checklist": private(checklist=CHECKLIST),
    "story": private(story=STORY),
    "data of a web app": private(web_app_data={"data": '{"size": "M"}', "button_text": "Choose a size"}),
    "users who are shared": private(
        users_shared={
            "request_id": 1,
            "users": [
                {"user_id": 502, "first_name": "Bob", "last_name": "Hill", "username": "bob", "photo": sizes("bob")},
                {"user_id": 504},
            ],
        }
    ),
    "chat that is shared": private(
        chat_shared={
            "request_id": 2,
            "chat_id": SUPERGROUP["id"],
            "title": "Hikers",
            "username": "hikers",
            "photo": sizes("hikers"),
        }
    ),
    "tasks that are done": in_group(
        checklist_tasks_done={
            "checklist_message": in_group(checklist=CHECKLIST),
            "marked_as_done_task_ids": [1],
            "marked_as_not_done_task_ids": [2, 3],
        }
    ),
    "tasks that are added": in_group(
        checklist_tasks_added={"checklist_message": in_group(checklist=CHECKLIST), "tasks": [TASK]}
    ),
    "option that a poll got": in_group(
        poll_option_added={
            "poll_message": in_group(poll=POLL),
            "option_persistent_id": "o5",
            "option_text": "Salad",
            "option_text_entities": _BOLD,
        }
    ),
    "option that a poll lost": in_group(
        poll_option_deleted={
            "poll_message": {"chat": SUPERGROUP, "message_id": 900, "date": 0},
            "option_persistent_id": "o5",
            "option_text": "Salad",
            "option_text_entities": _BOLD,
        }
    ),
    "traveller who comes near": in_group(proximity_alert_triggered={"traveler": ANN, "watcher": BOB, "distance": 90}),
}
