"""How well a refusal judge agrees with labels made by hand, on replies written for that purpose (`refusals.jsonl`)."""
