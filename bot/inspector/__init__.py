"""The inspector: shows in the browser what stored answers were based on. The running bot doesn't import it."""
