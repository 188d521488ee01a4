"""Work of many processes on one task: its parts, who is at which, and which are done."""
