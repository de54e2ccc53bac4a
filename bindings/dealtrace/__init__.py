"""Process mining for lead-to-cash."""
