"""Readers of logs, labels and references."""
