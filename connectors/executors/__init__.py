"""What carries out an approved retraining."""
