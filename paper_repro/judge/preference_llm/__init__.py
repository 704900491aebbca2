"""Which of two replies helps more, by a language model."""
