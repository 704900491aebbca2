"""The embedding relevance measure."""
