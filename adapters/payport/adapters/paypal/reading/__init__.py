"""From PayPal's words to what they teach about an operation, by topic."""
