"""Bytes from outside, made fit for a model."""
