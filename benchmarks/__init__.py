"""What Keepsake costs, how fast it is and what it remembers, measured."""
