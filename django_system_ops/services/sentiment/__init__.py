"""What messages feel like: scores for each, and sums for each day, agent and tenant."""
