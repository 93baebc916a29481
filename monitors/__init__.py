"""Numbers about models: pure functions of summaries, or of rows."""
