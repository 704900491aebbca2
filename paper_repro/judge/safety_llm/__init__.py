"""Safety of a response to a malicious query, 1 to 5, by a language model (JustEval)."""
