"""``make chaos``: many chats write to a bot that is killed again and again, and nothing is lost."""
