"""The record and the vocabulary: the hub's DuckDB file, its audit trail, and the words everything else speaks."""
