"""capabilities: core abilities of a model through lm-eval, from pinned local files, with the chat template on."""
