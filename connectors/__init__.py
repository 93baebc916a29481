"""Every outside system: sources read, sinks notify, executors carry out."""
