"""Bytes of strangers, made fit for a model: pictures, sounds and documents.

The conversions are plain functions that run in a process of their own (``workshop``), which has a limit of time and of
memory and none of the bot's secrets: a file that was made to do harm ends that process, and nothing else.
"""
