"""Engines that count rows into summaries."""
