"""Five aspects of a response, 1 to 5, by a language model (JustEval)."""
