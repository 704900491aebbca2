"""Refusal or compliance by a language model, with the paper's criteria."""
