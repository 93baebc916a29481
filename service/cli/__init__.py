"""The command line, a module per group, loaded lazily."""
