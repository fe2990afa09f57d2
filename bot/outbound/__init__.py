"""Everything between a reply in Markdown and the Bot API: formatting, splitting, rate limits, previews. No storage."""
