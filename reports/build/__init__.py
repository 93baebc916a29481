"""Builders: evidence to elements, one file per kind of report."""
