"""Conversion of untrusted files (pictures, sounds and documents) for a model.

The conversions are plain functions that run in worker processes (``pool``) with limits on time and memory and without
the bot's secrets: a malicious file kills its worker and nothing else.
"""
