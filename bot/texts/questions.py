"""What is asked after a button, and what is said of the answers; a placeholder has 64 characters at most."""

CORRECT_ASK = "What should I change in my notes? Reply to this message, for example: “I live in Bern, not in Basel.”"
CORRECT_PLACEHOLDER = "What to change, or /cancel"
FORGET_ASK = "What should I forget? Reply to this message with a few words from it."
FORGET_PLACEHOLDER = "A few words from it, or /cancel"
PERSONA_ASK = (
    "What should the model's first instructions be? Reply to this message, for example: “You are a ship's cook. Answer "
    "in rhyme.”"
)
PERSONA_PLACEHOLDER = "The model's first instructions, or /cancel"
CANCEL = "Cancel"
CANCELLED = "Cancelled. I'm no longer waiting for an answer."
NOTHING_TO_CANCEL = "I haven't asked you anything."
NOT_ASKED = "I asked someone else that, so only their answer counts."
QUESTION_OVER = "That question has expired. Press its button again, and I'll ask once more."
ANSWER_EDITED = "An answer counts as it was first sent. To give another one, press the button again."
ANSWER_IN_WORDS = "Please answer that in writing."
