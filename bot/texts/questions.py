"""What is asked after a button, and what is said of the answers; a placeholder has 64 characters at most."""

CORRECT_ASK = "What should I change in my notes? Reply to this message, for example: “I live in Bern, not in Basel.”"
CORRECT_PLACEHOLDER = "What to change, or /cancel"
FORGET_ASK = "What should I forget? Reply to this message with words that stand in it."
FORGET_PLACEHOLDER = "Some words of it, or /cancel"
PERSONA_ASK = (
    "What shall the model be told first? Reply to this message, for example: “You are a ship's cook. Answer in rhymes.”"
)
PERSONA_PLACEHOLDER = "What the model is told first, or /cancel"
CANCEL = "Cancel"
CANCELLED = "Cancelled. I am not waiting for an answer any more."
NOTHING_TO_CANCEL = "I haven't asked you anything."
NOT_ASKED = "I asked somebody else that: only their answer counts."
QUESTION_OVER = "That question is over. Press its button again and I will ask once more."
ANSWER_EDITED = "An answer counts as it was sent. To give another one, press the button again."
ANSWER_IN_WORDS = "Please answer that in writing."
