"""Benchmarks of Keepsake: cost, speed, and what it remembers."""
