"""Processes that do jobs for the bot: what runs over strangers' files and texts costs it neither its time nor its life.

A job is a line of JSON and as many bytes as it says; so is a result. JSON, and nothing that can name code, because what
runs there has read what a stranger sent.
"""
