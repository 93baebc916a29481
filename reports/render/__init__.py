"""Renderers: the same elements as HTML, JSON and PDF."""
