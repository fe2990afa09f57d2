"""Messages about money, gifts and prizes."""

from sandbox.botapi.wire import Json
from tests.corpus.files import STICKER, file
from tests.corpus.people import ANN, BOB, CHANNEL, DIRECT, HELPER, NOON, SUPERGROUP, in_group, message, private

INVOICE: Json = {
    "title": "Tea",
    "description": "Green, 100 g",
    "start_parameter": "tea",
    "currency": "CHF",
    "total_amount": 1250,
}
_ADDRESS: Json = {
    "country_code": "CH",
    "state": "",
    "city": "Bern",
    "street_line1": "Lane 1",
    "street_line2": "",
    "post_code": "3000",
}
_CHARGE: Json = {"telegram_payment_charge_id": "t-charge", "provider_payment_charge_id": "p-charge"}
_PAID: Json = {"currency": "CHF", "total_amount": 1250, "invoice_payload": "order-7", **_CHARGE}
_ORDER: Json = {"name": "Ann Lee", "phone_number": "+41310000000", "email": "a@b.example", "shipping_address": _ADDRESS}
_GIFT: Json = {
    "id": "5170145012310081615",
    "sticker": STICKER,
    "star_count": 15,
    "upgrade_star_count": 100,
    "is_premium": True,
    "has_colors": True,
    "total_count": 1000,
    "remaining_count": 10,
    "personal_total_count": 5,
    "personal_remaining_count": 4,
    "background": {"center_color": 1, "edge_color": 2, "text_color": 3},
    "unique_gift_variant_count": 30,
    "publisher_chat": CHANNEL,
}
GIFT: Json = {
    "gift": _GIFT,
    "owned_gift_id": "own-1",
    "convert_star_count": 13,
    "prepaid_upgrade_star_count": 100,
    "is_upgrade_separate": True,
    "can_be_upgraded": True,
    "text": "Happy birthday!",
    "entities": [{"type": "bold", "offset": 0, "length": 5}],
    "is_private": True,
    "unique_gift_number": 8,
}
UNIQUE_GIFT: Json = {
    "gift": {
        "gift_id": "5170145012310081616",
        "base_name": "Plush Bear",
        "name": "PlushBear-42",
        "number": 42,
        "model": {"name": "Arctic", "sticker": STICKER, "rarity_per_mille": 0, "rarity": "legendary"},
        "symbol": {"name": "Star", "sticker": STICKER, "rarity_per_mille": 9},
        "backdrop": {
            "name": "Night",
            "colors": {"center_color": 1, "edge_color": 2, "symbol_color": 3, "text_color": 4},
            "rarity_per_mille": 20,
        },
        "is_premium": True,
        "is_burned": True,
        "is_from_blockchain": True,
        "colors": {
            "model_custom_emoji_id": "1",
            "symbol_custom_emoji_id": "2",
            "light_theme_main_color": 1,
            "light_theme_other_colors": [2, 3],
            "dark_theme_main_color": 4,
            "dark_theme_other_colors": [5],
        },
        "publisher_chat": CHANNEL,
    },
    "origin": "resale",
    "last_resale_currency": "XTR",
    "last_resale_amount": 500,
    "owned_gift_id": "own-2",
    "transfer_star_count": 25,
    "next_transfer_date": NOON + 86_400,
}
GIVEAWAY: Json = {
    "chats": [CHANNEL, SUPERGROUP],
    "winners_selection_date": NOON + 86_400,
    "winner_count": 5,
    "only_new_members": True,
    "has_public_winners": True,
    "prize_description": "and a mug",
    "country_codes": ["CH"],
    "premium_subscription_month_count": 3,
}
WINNERS: Json = {
    "chat": CHANNEL,
    "giveaway_message_id": 12,
    "winners_selection_date": NOON,
    "winner_count": 2,
    "winners": [ANN, BOB],
    "additional_chat_count": 1,
    "prize_star_count": 500,
    "premium_subscription_month_count": 3,
    "unclaimed_prize_count": 1,
    "only_new_members": True,
    "was_refunded": True,
    "prize_description": "and a mug",
}
_PRICE: Json = {"currency": "XTR", "amount": 50}
_POST = message(DIRECT, text="Please publish this", is_paid_post=True)
_STARS: Json = {"amount": 50, "nanostar_amount": 5}
_FILE = {key: item for key, item in file("passport", 9).items() if key != "thumbnail"} | {"file_date": NOON}
_PASSPORT: Json = {
    "data": [
        {"type": "phone_number", "phone_number": "+41310000000", "hash": "aGFzaA=="},
        {"type": "email", "email": "a@b.example", "hash": "aGFzaA=="},
        {
            "type": "passport",
            "data": "ZGF0YQ==",
            "front_side": _FILE,
            "reverse_side": _FILE,
            "selfie": _FILE,
            "files": [_FILE],
            "translation": [_FILE],
            "hash": "aGFzaA==",
        },
    ],
    "credentials": {"data": "ZGF0YQ==", "hash": "aGFzaA==", "secret": "c2VjcmV0"},
}

TRADE: dict[str, Json] = {
    "invoice": private(
        invoice=INVOICE, via_bot=HELPER, reply_markup={"inline_keyboard": [[{"text": "Pay", "pay": True}]]}
    ),
    "payment that was made": private(
        successful_payment=_PAID
        | {
            "subscription_expiration_date": NOON + 86_400,
            "is_recurring": True,
            "is_first_recurring": True,
            "shipping_option_id": "post",
            "order_info": _ORDER,
        }
    ),
    "payment in stars": private(successful_payment=_PAID | {"currency": "XTR", "total_amount": 25}),
    "payment that was given back": private(refunded_payment=_PAID),
    "passport": private(passport_data=_PASSPORT),
    "gift": private(gift=GIFT),
    "gift that can be upgraded": private(gift_upgrade_sent=GIFT),
    "unique gift": private(unique_gift=UNIQUE_GIFT),
    "giveaway that was planned": in_group(giveaway_created={"prize_star_count": 500}),
    "giveaway": in_group(giveaway=GIVEAWAY),
    "giveaway of stars": in_group(
        giveaway={
            "chats": [CHANNEL],
            "winners_selection_date": NOON,
            "winner_count": 1,
            "prize_star_count": 500,
        }
    ),
    "winners of a giveaway": in_group(giveaway_winners=WINNERS),
    "end of a giveaway": in_group(
        giveaway_completed={
            "winner_count": 2,
            "unclaimed_prize_count": 1,
            "giveaway_message": in_group(giveaway=GIVEAWAY),
            "is_star_giveaway": True,
        }
    ),
    "suggested post": message(
        DIRECT,
        text="Please publish this",
        suggested_post_info={"state": "pending", "price": _PRICE, "send_date": NOON + 3_600},
    ),
    "suggested post that was approved": message(
        DIRECT, suggested_post_approved={"suggested_post_message": _POST, "price": _PRICE, "send_date": NOON}
    ),
    "suggested post that nobody can pay": message(
        DIRECT, suggested_post_approval_failed={"suggested_post_message": _POST, "price": _PRICE}
    ),
    "suggested post that was declined": message(
        DIRECT, suggested_post_declined={"suggested_post_message": _POST, "comment": "Not this week"}
    ),
    "suggested post that was paid": message(
        DIRECT,
        suggested_post_paid={
            "suggested_post_message": _POST,
            "currency": "XTR",
            "amount": 50,
            "star_amount": _STARS,
        },
    ),
    "suggested post whose price was given back": message(
        DIRECT, suggested_post_refunded={"suggested_post_message": _POST, "reason": "post_deleted"}
    ),
    "price of messages": in_group(paid_message_price_changed={"paid_message_star_count": 10}),
    "price of direct messages": message(
        CHANNEL,
        direct_message_price_changed={"are_direct_messages_enabled": True, "direct_message_star_count": 10},
    ),
}
