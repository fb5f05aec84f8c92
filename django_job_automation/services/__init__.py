"""What operators and other code ask for: transactions, and what they return."""
