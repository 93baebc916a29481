"""One builder per kind of report: facts in, elements out, pure."""
