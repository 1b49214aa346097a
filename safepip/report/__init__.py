"""The same values in different ink: text for people, JSON for machines."""
