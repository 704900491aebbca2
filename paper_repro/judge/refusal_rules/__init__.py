"""The rule-based refusal judge."""
