"""The report of a run: its content as plain data, and that as Markdown, as a page and as PDF."""
