"""Processes that do jobs for the bot, so that untrusted files and texts can neither block nor crash it.

A job is a line of JSON followed by as many bytes as it says, and so is a result. The format is JSON, and nothing that
can refer to code, because a worker has processed untrusted input.
"""
