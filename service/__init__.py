"""Use cases and doors: configuration, commands, scheduler, HTTP, command line."""
