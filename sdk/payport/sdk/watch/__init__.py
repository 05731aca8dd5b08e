"""The watch on abnormal transactions: rules over the journal's stream. A hit is an incident, and may hold a payment."""
