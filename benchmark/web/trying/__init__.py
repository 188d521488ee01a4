"""A page to try models: a film, a prompt and another, and the answers side by side."""
