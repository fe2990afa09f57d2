"""How the data of the buttons under answers begins; an id follows, so that a press long after finds nothing to do."""

RETRY = "retry:"
"""Under a failed answer; the newest message of the question follows."""
CONTINUE = "continue:"
"""Under an answer that was cut; the answer follows."""
STOP = "stop:"
"""Under an answer that is being written, in a group; the answer follows."""
