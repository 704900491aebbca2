"""Whether a reply to a task has the friendly opening and closing of the testbed's responses: a style, no quality."""
