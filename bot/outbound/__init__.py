"""Everything between a reply in markdown and the Bot API: formatting, splitting, pacing, previews. Knows no storage."""
