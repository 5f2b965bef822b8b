"""What services owe each other: the schemas of published events, and that stored events stay readable."""
