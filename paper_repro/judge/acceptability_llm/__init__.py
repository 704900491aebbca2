"""Acceptability by a language model: a stand-in where there are no raters."""
