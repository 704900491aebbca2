"""inspect: what is in a response set and what its curation did to it, as numbers and as one HTML page."""
