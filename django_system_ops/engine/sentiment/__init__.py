"""What a text feels like: languages, lexicons and the rules that weigh words."""
