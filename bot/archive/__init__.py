"""A conversation as a file: ours, which holds all of it, one for readers, and the one that ChatGPT hands out."""
